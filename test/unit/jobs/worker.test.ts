import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { AppError, asAppError } from '../../../server/domain/errors.ts';
import type { Job } from '../../../server/domain/job.ts';
import { endWithError, startProgress } from '../../../server/jobs/progress.ts';
import { startWorker } from '../../../server/jobs/worker.ts';
import { createMemoryStore } from '../../../server/store/memory-store.ts';
import { queuedFact, queuedJob, recordingLog, resultFact } from '../../support/jobs.ts';

/** A worker on runs that go on until the test lets them end, or until they are aborted. */
const start = (options: { jobsMax?: number; jobMs?: number } = {}) => {
  const store = createMemoryStore({ queuedMax: 100, jobsKeptMax: 100 });
  const log = recordingLog();
  const running = new Map<string, { finish(): void; fail(error: Error): void }>();
  const started: string[] = [];
  const run = async (job: Job, signal: AbortSignal) => {
    started.push(job.id);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    running.set(job.id, { finish: resolve, fail: reject });
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    await promise
      .then(() => store.append(job.id, resultFact('nothing_to_change')))
      .catch(async (error: unknown) => {
        if (!(error instanceof AppError)) throw error;
        await store.append(job.id, endWithError(asAppError(error), startProgress()));
      })
      .finally(() => running.delete(job.id));
  };
  const worker = startWorker({ store, log, run, jobsMax: 2, jobMs: 60_000, ...options });
  const create = (id: string) => store.create(queuedJob(id), queuedFact(id));
  const stateOf = async (id: string) => (await store.find(id))?.state;
  const endOf = async (id: string) => {
    // Each of these jobs has but two events: that it was queued, and its end.
    await store.waitForEvents(id, 1, AbortSignal.timeout(5_000));
    const [end = assert.fail()] = await store.eventsAfter(id, 1, 100);
    const { id: _, at, ...fact } = end;
    return fact;
  };
  return {
    ...{ store, log, worker, running, started, create, stateOf, endOf },
    [Symbol.asyncDispose]: () => worker.stop(),
  };
};

test('so many jobs run at once and no more, the oldest first; the next starts when one has ended', async () => {
  await using jobs = start({ jobsMax: 2 });
  for (const id of ['a', 'b', 'c', 'd']) await jobs.create(id);
  await setImmediate();
  assert.deepEqual(jobs.started, ['a', 'b']);
  jobs.running.get('b')?.finish();
  await jobs.endOf('b');
  await setImmediate();
  assert.deepEqual(jobs.started, ['a', 'b', 'c']);
  assert.deepEqual(await Promise.all(['a', 'b', 'c', 'd'].map(jobs.stateOf)), [
    'running',
    'succeeded',
    'running',
    'queued',
  ]);
});

test('a queued job that is cancelled ends at once and never runs', async () => {
  await using jobs = start({ jobsMax: 1 });
  await jobs.create('a');
  await jobs.create('b');
  assert.equal(await jobs.worker.cancel('b'), true);
  assert.deepEqual(await jobs.endOf('b'), {
    ...resultFact('cancelled'),
    summary: 'The job was cancelled.',
    durationMs: 0,
  });
  jobs.running.get('a')?.finish();
  await jobs.endOf('a');
  await setImmediate();
  assert.deepEqual(jobs.started, ['a']);
});

test('a running job that is cancelled is told so, and only that one', async () => {
  await using jobs = start();
  await jobs.create('a');
  await jobs.create('b');
  await setImmediate();
  assert.equal(await jobs.worker.cancel('a'), true);
  assert.partialDeepStrictEqual(await jobs.endOf('a'), { type: 'Result', status: 'cancelled' });
  assert.equal(await jobs.stateOf('b'), 'running');
});

test('an ended or unknown job cannot be cancelled', async () => {
  await using jobs = start();
  await jobs.create('a');
  await setImmediate();
  jobs.running.get('a')?.finish();
  await jobs.endOf('a');
  assert.equal(await jobs.worker.cancel('a'), false);
  assert.equal(await jobs.worker.cancel('nobody'), false);
  assert.partialDeepStrictEqual(await jobs.endOf('a'), { type: 'Result', status: 'nothing_to_change' });
});

test('a job that takes too long ends with time_limit, and its place is free again', async () => {
  await using jobs = start({ jobsMax: 1, jobMs: 30 });
  await jobs.create('a');
  await jobs.create('b');
  assert.partialDeepStrictEqual(await jobs.endOf('a'), {
    type: 'Error',
    code: 'time_limit',
    whatToDo: 'Ask for less in one job, or raise JOB_MINUTES_MAX.',
  });
  await setImmediate();
  jobs.running.get('b')?.finish();
  assert.partialDeepStrictEqual(await jobs.endOf('b'), { type: 'Result' });
});

test('a run that throws is logged, and the next job runs', async () => {
  await using jobs = start({ jobsMax: 1 });
  await jobs.create('a');
  await jobs.create('b');
  await setImmediate();
  jobs.running.get('a')?.fail(new Error('the store is gone'));
  while (!jobs.started.includes('b')) await setImmediate();
  assert.deepEqual(
    jobs.log.lines.map(({ level, message, fields: { jobId } }) => ({ level, message, jobId })),
    [{ level: 'error', message: 'the end of the job could not be stored', jobId: 'a' }],
  );
});

test('stopping ends the running jobs and the waiting ones, and claims no more', async () => {
  const jobs = start({ jobsMax: 1 });
  for (const id of ['a', 'b', 'c']) await jobs.create(id);
  await setImmediate();
  await jobs.worker.stop();
  assert.deepEqual(jobs.started, ['a']);
  for (const [id, message] of [
    ['a', 'The server was stopped while the job ran.'],
    ['b', 'The server was stopped before the job began.'],
    ['c', 'The server was stopped before the job began.'],
  ] as const) {
    assert.partialDeepStrictEqual(await jobs.endOf(id), { type: 'Error', code: 'server_stopped', message });
  }
  await jobs.worker.stop();
});

test('a job that is claimed in the moment of the stop is ended like the others', async () => {
  const jobs = start({ jobsMax: 1 });
  await jobs.create('a');
  await jobs.worker.stop();
  assert.partialDeepStrictEqual(await jobs.endOf('a'), { type: 'Error', code: 'server_stopped' });
});

test('stopping an idle worker returns', async () => {
  const jobs = start();
  await jobs.worker.stop();
  assert.deepEqual(jobs.started, []);
});
