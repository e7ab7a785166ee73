import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../../../server/domain/errors.ts';
import type { JobFact } from '../../../../server/domain/job-event.ts';
import type { CheckGround } from '../../../../server/jobs/verify/check-sandbox.ts';
import { runChecks } from '../../../../server/jobs/verify/run-checks.ts';
import { recordingLog } from '../../../support/jobs.ts';

type Way = Parameters<typeof runChecks>[2];

const checks = ['npm test', 'npm run lint'].map((command) => ({ command, needs: [] }));
const input = { checks, changes: [], when: 'after' } as const;

/** Without any sandbox: how one is asked for is up to the test. */
const run = async (
  acquire: Way['sandboxes']['acquire'],
  endsAt: number,
  signal = AbortSignal.timeout(5_000),
) => {
  const facts: JobFact[] = [];
  const emit = async (fact: JobFact) => void facts.push(fact);
  const sandboxes = { image: 'image', acquire, reattach: async () => undefined };
  const way = { sandboxes, emit, log: recordingLog() } as unknown as Way;
  const ground = { held: { job: { id: 'a' } } } as unknown as CheckGround;
  const runs = await runChecks(ground, input, way, { checkMs: 1_000, endsAt }, signal);
  return { runs, facts };
};

const inAnHour = () => Date.now() + 3_600_000;
const notRun = (reason: string) => ({
  ...{ status: 'could_not_run', exitCode: null, durationMs: 0, output: '', reason },
});

test('checks for which there is no sandbox have not run, and every one of them is told', async () => {
  let asked = 0;
  const { runs, facts } = await run(async () => {
    asked += 1;
    throw new AppError('sandbox_unavailable', 'The engine is away.');
  }, inAnHour());
  const run1 = notRun('There was no sandbox for it: The engine is away.');
  assert.deepEqual(runs, [
    { ...run1, isServersFault: true },
    { ...run1, isServersFault: true },
  ]);
  assert.equal(asked, 4);
  assert.deepEqual(
    facts,
    checks.flatMap(({ command }) => [
      { type: 'Check: Started', command, when: 'after' },
      { type: 'Check: Finished', command, when: 'after', ...run1 },
    ]),
  );
});

test('a sandbox that is not ready in time is not waited for', async () => {
  const { runs } = await run(async (_, signal) => {
    await sleep(60_000, undefined, { signal, ref: false }).catch(() => {});
    throw signal.reason;
  }, Date.now() + 50);
  assert.deepEqual(
    runs.map(({ reason }) => reason),
    ['The job had no time left for it.', 'The job had no time left for it.'],
  );
});

test('a defect of ours, and the end of the job, are not taken for a missing sandbox', async () => {
  const throwing = (error: Error) => async () => {
    throw error;
  };
  const internal = new AppError('internal', 'A defect.');
  await assert.rejects(run(throwing(internal), inAnHour()), internal);
  const cancelled = new AppError('cancelled', 'The job was cancelled.');
  const controller = new AbortController();
  controller.abort(cancelled);
  await assert.rejects(run(throwing(cancelled), inAnHour(), controller.signal), cancelled);
});
