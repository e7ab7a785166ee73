import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEngineProxy } from '../support/engine-proxy.ts';
import { eventsOf, postJob, type StreamedEvent } from '../support/job-stream.ts';
import { sharedCluster } from '../support/postgres/shared.ts';
import { times } from '../support/sample.ts';
import { busyJob, busyPrompt } from '../support/scenarios/busy-job.ts';
import { startServerProcess } from '../support/server-process.ts';
import { type StartedJob, type System, startSystem } from '../support/system.ts';

/** From the beginning, whatever became of an earlier stream. */
const wholeStream = async (url: string, jobId: string): Promise<StreamedEvent[]> => {
  for (const until = performance.now() + 120_000; ; await sleep(300)) {
    const events = await fetch(`${url}/jobs/${jobId}/events`)
      .then((response) => (response.ok ? Array.fromAsync(eventsOf(response)) : []))
      .catch((): StreamedEvent[] => []);
    const last = events.at(-1);
    if (last?.type === 'Result' || last?.type === 'Error') return events;
    assert.ok(performance.now() < until, JSON.stringify(last));
  }
};

/** The job has succeeded once, and nobody can see that anything was done twice. */
const assertWhole = (events: StreamedEvent[], { forge, repository }: System, { id }: StartedJob): void => {
  assert.partialDeepStrictEqual(events.at(-1), { type: 'Result', status: 'succeeded' });
  assert.deepEqual(
    events.map((event) => event.id),
    events.map((_, index) => index + 1),
  );
  const heads = forge.pullRequests(repository.fullName).map(({ head }) => head);
  assert.deepEqual(heads, [`backspace/${id}`]);
};

test('while the database is away a job waits, new ones are refused, and then it goes on', async () => {
  const settings = { SERVER_ID: `test-surviving-${process.pid}` };
  await using system = await startSystem({ scenarios: [busyJob], settings, msPerEvent: 8 });
  const cluster = await sharedCluster();
  const job = await system.start(busyPrompt);
  await job.until('Tool: Edit');
  await cluster.kill();
  const refused = await postJob(system.server.url, { repoUrl: system.repoUrl, prompt: busyPrompt });
  assert.partialDeepStrictEqual(await refused.json(), { status: 503, code: 'store_unavailable' });
  const ready = await fetch(`${system.server.url}/readyz`);
  assert.equal(ready.status, 503);
  assert.equal((await fetch(`${system.server.url}/healthz`)).status, 200);
  // Longer than any lease.
  await sleep(times(15_000, 30_000));
  await cluster.start();
  assertWhole(await wholeStream(system.server.url, job.id), system, job);
  job.leave();
});

test('an engine that is away for some seconds costs a job its sandbox, and no more', async () => {
  await using engine = await startEngineProxy();
  const settings = { SERVER_ID: `test-engine-${process.pid}`, DOCKER_HOST: engine.host };
  await using system = await startSystem({ scenarios: [busyJob], settings, msPerEvent: 8 });
  const job = await system.start(busyPrompt);
  await job.until('Tool: Edit');
  await engine.goAway();
  await sleep(8000);
  await engine.comeBack();
  await job.end();
  assertWhole([...job.events], system, job);
  assert.equal(job.events.filter(({ type }) => type === 'Sandbox: Lost').length, 1);
});

test('a second SIGTERM ends the server at once, and nothing is lost', async () => {
  const settings = { SERVER_ID: `test-twice-${process.pid}`, STOP_GRACE_SECONDS: '600' };
  await using system = await startSystem({ scenarios: [busyJob], settings, msPerEvent: 8 });
  const job = await system.start(busyPrompt);
  await job.until('Tool: Edit');
  job.leave();
  const { server } = system;
  server.process.kill('SIGTERM');
  await sleep(300);
  const asked = performance.now();
  assert.deepEqual(await server.stop('SIGTERM'), { exitCode: 1, signal: null });
  assert.ok(performance.now() - asked < 3000);
  await system.restart('SIGTERM');
  assertWhole(await wholeStream(system.server.url, job.id), system, job);
});

test('without a PostgreSQL the jobs in DATA_DIR outlive the death of their server as well', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'surviving-'));
  const serverId = `test-pglite-${process.pid}`;
  const settings = { SERVER_ID: serverId, DATABASE_URL: '', DATA_DIR: directory };
  try {
    await using system = await startSystem({ scenarios: [busyJob], settings, msPerEvent: 8 });
    assert.match(system.server.log(), /does not survive a power cut/);
    await assert.rejects(
      startServerProcess({
        ...{ ANTHROPIC_API_KEY: 'sk-ant-0123456789', GITHUB_TOKEN: 'ghp_0123456789' },
        ...{ DATA_DIR: directory },
      }),
      /DATA_DIR .* is in use by process \d+/,
    );
    const job = await system.start(busyPrompt);
    for (let kill = 0; kill < 2; kill++) {
      await sleep(2500);
      await system.restart('SIGKILL');
    }
    assertWhole(await wholeStream(system.server.url, job.id), system, job);
    job.leave();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
