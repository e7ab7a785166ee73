import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postJson, repoUrl, serve } from './serve.ts';

const jobLimitsMax = { turns: 100, tokens: 5_000_000, minutes: 60, commandSeconds: 900, outputKb: 32 };

/** What becomes of a request with these fields: it is stored so, or each wrong field is named. */
const ask = async (fields: object, options: Parameters<typeof serve>[0] = { jobLimitsMax }) => {
  await using server = await serve(options);
  const response = await postJson(`${server.url}/code`, { repoUrl, prompt: 'x', ...fields });
  if (response.status === 422) return ((await response.json()) as { errors: unknown }).errors;
  await response.body?.cancel();
  const { repository, prompt, ...stored } = (await server.store.find('job-1'))?.request ?? assert.fail();
  return stored;
};

test('a request may set each limit up to the server’s own, and what becomes of the work at one', async () => {
  const all = { limits: { ...jobLimitsMax, costUsd: 0.25 }, onLimit: 'draft' };
  assert.deepEqual(await ask(all), all);
  const some = { limits: { minutes: 0.5, turns: 1 }, onLimit: 'patch' };
  assert.deepEqual(await ask(some), some);
});

test('a limit above the server’s own, zero, below, or a part of what has none, is named with what may be asked for', async () => {
  const limits = { turns: 101, tokens: 0, costUsd: -1, minutes: 60.5, commandSeconds: 1.5, outputKb: '8' };
  assert.deepEqual(await ask({ limits, onLimit: 'merge' }), [
    { field: 'limits.turns', message: 'must be at most 100, the limit of this server' },
    { field: 'limits.tokens', message: 'must be more than 0' },
    { field: 'limits.costUsd', message: 'must be more than 0' },
    { field: 'limits.minutes', message: 'must be at most 60, the limit of this server' },
    { field: 'limits.commandSeconds', message: 'must be a whole number' },
    { field: 'limits.outputKb', message: 'must be a number' },
    { field: 'onLimit', message: 'must be draft or patch' },
  ]);
  assert.deepEqual(await ask({ limits: { costUsd: 5.01 } }, { jobLimitsMax: { costUsd: 5 } }), [
    { field: 'limits.costUsd', message: 'must be at most 5, the limit of this server' },
  ]);
});

test('limits of another shape, and limits that there are not, are named', async () => {
  for (const limits of [7, null, [], 'turns']) {
    assert.deepEqual(await ask({ limits }), [{ field: 'limits', message: 'must be a JSON object' }]);
  }
  assert.deepEqual(await ask({ limits: { turnsMax: 5, turns: null } }), [
    { field: 'limits.turns', message: 'must be a number' },
    { field: 'limits.turnsMax', message: 'is not a field of this request' },
  ]);
});

test('the same limits in another order are the same request, others are another one', async () => {
  await using server = await serve({ jobLimitsMax });
  const send = async (limits: object) => {
    const headers = { 'Idempotency-Key': 'one', Accept: 'application/json' };
    const response = await postJson(`${server.url}/code`, { repoUrl, prompt: 'x', limits }, headers);
    return [response.status, ((await response.json()) as { id?: string }).id];
  };
  assert.deepEqual(await send({ turns: 5, minutes: 2 }), [202, 'job-1']);
  assert.deepEqual(await send({ minutes: 2, turns: 5 }), [202, 'job-1']);
  assert.deepEqual(await send({ turns: 6, minutes: 2 }), [409, undefined]);
});
