import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noUsage } from '../../../server/domain/job-event.ts';
import { createJob, createRunningJob, postJson, rawRequest, repoUrl, serve, succeeded } from './serve.ts';

const jobA = {
  id: 'a',
  state: 'queued',
  repoUrl,
  prompt: 'Mend it',
  baseBranch: null,
  createdAt: '2026-01-02T03:04:05.678Z',
  startedAt: null,
  endedAt: null,
};

const ended = (result: unknown) => ({ result, usage: noUsage });

test('a job can be asked for, with its last event, its result and what it used', async () => {
  await using server = await serve();
  await createRunningJob(server.store, 'a');
  for (let turn = 0; turn < 1_500; turn++) {
    await server.store.append('a', { type: 'AI Message', message: `turn ${turn}` });
  }
  const lastEvent = await server.store.append('a', succeeded);
  const response = await fetch(`${server.url}/jobs/a`);
  assert.equal(response.status, 200);
  const { startedAt, endedAt } = (await server.store.find('a')) ?? assert.fail();
  assert.deepEqual(await response.json(), {
    ...jobA,
    state: 'succeeded',
    startedAt,
    endedAt,
    lastEvent,
    ...ended(lastEvent),
  });
});

test('cancelling answers with the state, as often as it is asked', async () => {
  await using server = await serve();
  await createJob(server.store, 'a');
  for (let time = 0; time < 2; time++) {
    const response = await fetch(`${server.url}/jobs/a`, { method: 'DELETE' });
    const [, lastEvent] = await server.store.eventsAfter('a', 0, 10);
    assert.equal(response.status, 202);
    const { endedAt } = (await server.store.find('a')) ?? assert.fail();
    assert.deepEqual(await response.json(), {
      ...{ ...jobA, state: 'cancelled', endedAt, lastEvent },
      ...ended(lastEvent),
    });
  }
});

test('a cancelled job that still runs down says running', async () => {
  const asked: string[] = [];
  await using server = await serve({ cancel: async (jobId) => asked.push(jobId) > 0 });
  await createRunningJob(server.store, 'a');
  const response = await fetch(`${server.url}/jobs/a`, { method: 'DELETE' });
  const [lastEvent] = await server.store.eventsAfter('a', 0, 10);
  const { startedAt } = (await server.store.find('a')) ?? assert.fail();
  const running = { ...jobA, state: 'running', startedAt, lastEvent, result: null, usage: null };
  assert.deepEqual([response.status, await response.json()], [202, running]);
  assert.deepEqual(asked, ['a']);
});

test('a server that stops takes no more jobs, and still tells of those it has', async () => {
  const stopping = new AbortController();
  await using server = await serve({ stopping: stopping.signal });
  await createJob(server.store, 'a');
  stopping.abort();
  const response = await postJson(`${server.url}/code`, { repoUrl, prompt: 'x' });
  assert.equal(response.status, 503);
  assert.partialDeepStrictEqual(await response.json(), {
    code: 'server_stopped',
    whatToDo: 'Send the job again when the server runs.',
  });
  assert.deepEqual(
    (await server.store.list({ limit: 10 })).map(({ id }) => id),
    ['a'],
  );
  assert.equal((await fetch(`${server.url}/jobs/a`)).status, 200);
});

const urlOfNewJob = async (server: { store: Awaited<ReturnType<typeof serve>>['store'] }, id: string) => {
  const [queued] = await server.store.eventsAfter(id, 0, 1);
  return queued?.type === 'Job: Queued' ? queued.url : undefined;
};

test('the job’s address is made of the public URL where there is one', async () => {
  await using server = await serve({ publicUrl: 'https://backspace.example/tiny/' });
  await (await postJson(`${server.url}/code`, { repoUrl, prompt: 'x' })).body?.cancel();
  assert.equal(await urlOfNewJob(server, 'job-1'), 'https://backspace.example/tiny/jobs/job-1');
});

test('the job’s address is made of the Host that was asked, unless that is no host', async () => {
  await using server = await serve({ apiKeys: ['key'], cancel: async () => true });
  const addresses: (string | undefined)[] = [];
  for (const Host of ['backspace.example:8080', '[::1]:3000', 'x/y?"><script>']) {
    const body = JSON.stringify({ repoUrl, prompt: 'x' });
    const id = `job-${addresses.length + 1}`;
    const headers = {
      Host,
      Authorization: 'Bearer key',
      'Content-Type': 'application/json',
      'Content-Length': String(body.length),
    };
    const answer = rawRequest(`${server.url}/code`, { method: 'POST', headers, body });
    await server.store.take();
    await server.store.append(id, succeeded);
    assert.equal((await answer).status, 200);
    addresses.push(await urlOfNewJob(server, id));
  }
  assert.deepEqual(addresses, [
    'http://backspace.example:8080/jobs/job-1',
    'http://[::1]:3000/jobs/job-2',
    `${server.url}/jobs/job-3`,
  ]);
});
