import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../server/domain/errors.ts';
import { openDrivenStore } from '../../support/postgres/driven-store.ts';
import { postJson, rawRequest, repoUrl, serve, succeeded } from './serve.ts';

const json = { Accept: 'application/json' };
const body = { repoUrl, prompt: 'Mend it' };

/** Without the times, which no test can know. */
const told = async (response: Response) => {
  const { createdAt: _, lastEvent: __, ...job } = (await response.json()) as Record<string, unknown>;
  return { status: response.status, location: response.headers.get('location'), job };
};

test('whoever wants JSON gets 202, the job and where it is, and no stream', async () => {
  await using server = await serve();
  const queued = (id: string) => ({
    status: 202,
    location: `${server.url}/jobs/${id}`,
    job: {
      ...{ id, state: 'queued', repoUrl, prompt: 'Mend it', baseBranch: null },
      ...{ startedAt: null, endedAt: null, result: null, usage: null },
    },
  });
  assert.deepEqual(await told(await postJson(`${server.url}/code`, body, json)), queued('job-1'));
  assert.deepEqual(await told(await postJson(`${server.url}/code?stream=false`, body)), queued('job-2'));
  const refused = await postJson(`${server.url}/code?stream=no`, body);
  assert.equal(refused.status, 422);
  assert.equal((await server.store.list({ limit: 10 })).length, 2);
});

test('the same Idempotency-Key and request give the same job, as JSON and as stream from the beginning', async () => {
  await using server = await serve();
  const headers = { 'Idempotency-Key': 'first-try' };
  const first = await told(await postJson(`${server.url}/code`, body, { ...json, ...headers }));
  // Another spelling of the same request.
  const spelled = ` {"prompt": "Mend it",\n"repoUrl": "${repoUrl}.git/"} `;
  const second = await told(await postJson(`${server.url}/code`, spelled, { ...json, ...headers }));
  assert.deepEqual(second, first);

  await server.store.take();
  await server.store.append('job-1', succeeded);
  const stream = await (await postJson(`${server.url}/code`, body, headers)).text();
  assert.deepEqual(stream.match(/^id: \d+$/gm), ['id: 1', 'id: 2']);
  assert.match(stream, /"jobId":"job-1".*"Result"/s);
  const ended = await told(await postJson(`${server.url}/code`, body, { ...json, ...headers }));
  assert.equal(ended.job.state, 'succeeded');
  assert.equal((await server.store.list({ limit: 10 })).length, 1);
});

test('many at once with one Idempotency-Key are one job', async () => {
  await using server = await serve({ store: await openDrivenStore({ queuedMax: 1, jobsPerHourMax: 1 }) });
  const headers = { ...json, 'Idempotency-Key': 'k' };
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => told(await postJson(`${server.url}/code`, body, headers))),
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
  assert.equal(new Set(answers.map(({ job }) => job.id)).size, 1);
  assert.equal((await server.store.list({ limit: 10 })).length, 1);
});

test('the same Idempotency-Key with another request is 409, whatever differs', async () => {
  await using server = await serve();
  const headers = { ...json, 'Idempotency-Key': 'k' };
  assert.equal((await postJson(`${server.url}/code`, body, headers)).status, 202);
  const others = [
    { ...body, prompt: 'Mend it!' },
    { ...body, baseBranch: 'main' },
    { ...body, repoUrl: 'https://github.com/octocat/other' },
  ];
  for (const other of others) {
    const response = await postJson(`${server.url}/code`, other, headers);
    assert.equal(response.status, 409);
    assert.equal(((await response.json()) as { code: string }).code, 'idempotency_key_reused');
  }
  assert.equal((await server.store.list({ limit: 10 })).length, 1);
});

test('an Idempotency-Key belongs to its API key', async () => {
  await using server = await serve({ apiKeys: ['key-one', 'key-two'] });
  const ask = async (key: string) => {
    const headers = { ...json, 'Idempotency-Key': 'k', Authorization: `Bearer ${key}` };
    return (await told(await postJson(`${server.url}/code`, body, headers))).job.id;
  };
  assert.deepEqual(
    [await ask('key-one'), await ask('key-two'), await ask('key-one')],
    ['job-1', 'job-2', 'job-1'],
  );
});

test('an Idempotency-Key has 1 to 200 visible ASCII characters and comes once', async () => {
  await using server = await serve();
  const statusFor = async (key: string | string[]) => {
    const text = JSON.stringify(body);
    const headers = { ...json, 'Content-Type': 'application/json', 'Content-Length': `${text.length}` };
    const answer = await rawRequest(`${server.url}/code`, {
      ...{ method: 'POST', body: text },
      headers: { ...headers, 'Idempotency-Key': key as string },
    });
    const { errors } = JSON.parse(answer.body) as { errors?: { field: string }[] };
    return [answer.status, errors?.[0]?.field];
  };
  for (const key of ['a', '~'.repeat(200), '"quoted,;"']) {
    assert.deepEqual([key, ...(await statusFor(key))], [key, 202, undefined]);
  }
  for (const key of ['', 'a b', 'é', 'a\tb', 'x'.repeat(201), ['a', 'a']]) {
    assert.deepEqual([key, ...(await statusFor(key))], [key, 422, 'Idempotency-Key']);
  }
});

test('what cannot be answered now says when to come again', async () => {
  await using server = await serve({ store: await openDrivenStore({ queuedMax: 1 }) });
  await postJson(`${server.url}/code`, body, json);
  const full = await postJson(`${server.url}/code`, body, json);
  assert.deepEqual([full.status, full.headers.get('retry-after')], [503, '30']);

  const unavailable = () =>
    Promise.reject(new AppError('store_unavailable', 'The database cannot be reached.'));
  await using without = await serve({ store: { ...(await openDrivenStore()), find: unavailable } });
  const away = await fetch(`${without.url}/jobs/job-1`);
  assert.deepEqual([away.status, away.headers.get('retry-after')], [503, '5']);
});
