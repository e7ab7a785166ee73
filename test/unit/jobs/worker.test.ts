import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, asAppError } from '../../../server/domain/errors.ts';
import type { HeldJob, JobLimits } from '../../../server/domain/job.ts';
import { endWithError, startProgress } from '../../../server/jobs/progress.ts';
import { startWorker } from '../../../server/jobs/worker.ts';
import { queuedFact, queuedJob, recordingLog, resultFact } from '../../support/jobs.ts';
import { sharedCluster } from '../../support/postgres/shared.ts';
import { openTestStore, soon } from '../../support/postgres/store.ts';

/** A worker on runs that go on until the test lets them end, or until they are aborted. */
const start = async (options: { jobsMax?: number; jobMs?: number } = {}) => {
  const store = await openTestStore(await sharedCluster());
  const log = recordingLog();
  const running = new Map<string, { finish(): void; fail(error: Error): void }>();
  const started: string[] = [];
  const begun = new EventTarget();
  const run = async (held: HeldJob, signal: AbortSignal) => {
    const { id } = held.job;
    started.push(id);
    begun.dispatchEvent(new Event('begun'));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    running.set(id, { finish: resolve, fail: reject });
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    await promise
      .then(() => held.append(resultFact('nothing_to_change')))
      .catch(async (error: unknown) => {
        if (!(error instanceof AppError)) throw error;
        if (error.code === 'server_stopped') await held.release();
        else await held.append(endWithError(asAppError(error), startProgress()));
      })
      .finally(() => running.delete(id));
  };
  const worker = startWorker({ claims: store, log, run, jobsMax: 2, jobMs: 60_000, ...options });
  const create = (id: string, limits?: JobLimits) => {
    const job = { ...queuedJob(id), createdAt: new Date().toISOString() };
    return store.create({ ...job, request: { ...job.request, ...(limits && { limits }) } }, queuedFact(id));
  };
  const stateOf = async (id: string) => (await store.find(id))?.state;
  /** Waits until so many jobs have been begun. */
  const untilStarted = async (count: number) => {
    while (started.length < count) {
      await new Promise((resolve) => begun.addEventListener('begun', resolve, { once: true }));
    }
  };
  const endOf = async (id: string) => {
    for (let last = await store.lastEvent(id); ; last = await store.lastEvent(id)) {
      const { id: number = 0, at, ...fact } = last ?? assert.fail();
      if (fact.type === 'Result' || fact.type === 'Error') return fact;
      await store.waitForEvents(id, number, soon());
    }
  };
  return {
    ...{ store, log, worker, running, started, create, stateOf, endOf, untilStarted },
    async [Symbol.asyncDispose]() {
      await worker.stop(0);
      await store[Symbol.asyncDispose]();
    },
  };
};

test('so many jobs run at once and no more, the oldest first; the next starts when one has ended', async () => {
  await using jobs = await start({ jobsMax: 2 });
  for (const id of ['a', 'b', 'c', 'd']) await jobs.create(id);
  await jobs.untilStarted(2);
  assert.deepEqual(jobs.started, ['a', 'b']);
  jobs.running.get('b')?.finish();
  await jobs.endOf('b');
  await jobs.untilStarted(3);
  assert.deepEqual(jobs.started, ['a', 'b', 'c']);
  assert.deepEqual(await Promise.all(['a', 'b', 'c', 'd'].map(jobs.stateOf)), [
    'running',
    'succeeded',
    'running',
    'queued',
  ]);
});

test('a running job that is cancelled is told so, and only that one', async () => {
  await using jobs = await start();
  await jobs.create('a');
  await jobs.create('b');
  await jobs.untilStarted(2);
  assert.equal(await jobs.store.cancel('a', resultFact('cancelled')), true);
  assert.partialDeepStrictEqual(await jobs.endOf('a'), { type: 'Result', status: 'cancelled' });
  assert.equal(await jobs.stateOf('b'), 'running');
});

test('a job that takes too long ends with time_limit, and its place is free again', async () => {
  await using jobs = await start({ jobsMax: 1, jobMs: 30 });
  await jobs.create('a');
  assert.partialDeepStrictEqual(await jobs.endOf('a'), {
    type: 'Error',
    code: 'time_limit',
    whatToDo:
      'The work so far is at GET /jobs/:id/patch; ask for less in one job, or raise «limits.minutes» or JOB_MINUTES_MAX.',
  });
  await jobs.create('b');
  await jobs.untilStarted(2);
});

test('a request may ask for less time than the server gives', async () => {
  await using jobs = await start({ jobsMax: 1 });
  await jobs.create('a', { minutes: 0.001 });
  assert.partialDeepStrictEqual(await jobs.endOf('a'), { type: 'Error', code: 'time_limit' });
});

test('a run that throws is logged, and the next job runs', async () => {
  await using jobs = await start({ jobsMax: 1 });
  await jobs.create('a');
  await jobs.create('b');
  await jobs.untilStarted(1);
  jobs.running.get('a')?.fail(new Error('the store is gone'));
  await jobs.untilStarted(2);
  assert.equal(jobs.started[1], 'b');
  assert.deepEqual(
    jobs.log.lines.map(({ level, message, fields: { jobId } }) => ({ level, message, jobId })),
    [{ level: 'error', message: 'the end of the job could not be stored', jobId: 'a' }],
  );
});

test('stopping lets the running job come to its end, and takes no other', async () => {
  await using jobs = await start({ jobsMax: 1 });
  for (const id of ['a', 'b']) await jobs.create(id);
  await jobs.untilStarted(1);
  const stopped = jobs.worker.stop(60_000);
  jobs.running.get('a')?.finish();
  await stopped;
  assert.deepEqual([await jobs.stateOf('a'), await jobs.stateOf('b')], ['succeeded', 'queued']);
  assert.deepEqual(jobs.started, ['a']);
});

test('what does not come to its end in time is handed over, and another worker goes on with it', async () => {
  await using jobs = await start({ jobsMax: 1 });
  await jobs.create('a');
  await jobs.untilStarted(1);
  await jobs.worker.stop(20);
  const held = await jobs.store.claim(soon());
  assert.deepEqual([held.job.id, held.deaths, held.wasHandedOver], ['a', 0, true]);
});

test('stopping an idle worker returns', async () => {
  await using jobs = await start();
  await jobs.worker.stop(0);
  assert.deepEqual(jobs.started, []);
});
