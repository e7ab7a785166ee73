import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckRun } from '../../../../server/domain/checks/evidence.ts';
import { verdictOf } from '../../../../server/domain/checks/evidence.ts';
import { AppError } from '../../../../server/domain/errors.ts';
import { runCheck } from '../../../../server/jobs/verify/run-check.ts';
import { createMemorySandbox } from '../../../support/memory-sandbox.ts';

const limits = { checkMs: 5_000, endsAt: Date.now() + 3_600_000 };
const never = new AbortController().signal;
type Commands = Parameters<typeof createMemorySandbox>[1];

const run = (commands: Commands, setupFailure?: string, needs: { probe: string; otherwise: string }[] = []) =>
  runCheck(
    { command: 'npm test', needs },
    { sandbox: createMemorySandbox({}, commands), setupFailure },
    limits,
    never,
  );

test('an exit code of 0 is a pass, another one a failure, and the end of the output is kept without colours', async () => {
  assert.deepEqual(await run({ 'npm test': { output: 'ok\n' } }), {
    ...{ status: 'passed', exitCode: 0, durationMs: 40, output: 'ok' },
  });
  const output = `${'x'.repeat(9_000)}\n\u001b[31m1 failed\u001b[0m\u0000\r\n`;
  const failed = await run({ 'npm test': { output, exitCode: 1 } });
  assert.deepEqual({ ...failed, output: '' }, { status: 'failed', exitCode: 1, durationMs: 40, output: '' });
  assert.equal(failed.output, `${'x'.repeat(5_990)}\n1 failed`);
});

test('a check whose needs are not met has not run, and says why', async () => {
  const needs = [
    { probe: 'command -v npm', otherwise: 'npm is not there.' },
    { probe: 'test -d node_modules', otherwise: 'The dependencies are not installed.' },
  ];
  const commands = { 'command -v npm': {}, 'test -d node_modules': { exitCode: 1 }, 'npm test': {} };
  assert.deepEqual(await run(commands, 'npm ci failed.', needs), {
    ...{ status: 'could_not_run', exitCode: null, durationMs: 0, output: '' },
    reason: 'The dependencies are not installed. npm ci failed.',
  });
  const met = { ...commands, 'test -d node_modules': {} };
  assert.equal((await run(met, undefined, needs)).status, 'passed');
});

test('a program that is not there is no failure of the repository’s', async () => {
  const { status, exitCode, reason } = await run({ 'npm test': { exitCode: 127 } }, 'npm ci failed.');
  assert.deepEqual({ status, exitCode }, { status: 'could_not_run', exitCode: 127 });
  assert.match(reason ?? '', /is not in the sandbox: .*\(exit code 127\)\. npm ci failed\.$/);
});

test('a check that ran out of time has failed', async () => {
  const { status, exitCode, reason } = await run({ 'npm test': { timedOut: true, exitCode: null } });
  assert.deepEqual({ status, exitCode }, { status: 'failed', exitCode: null });
  assert.equal(reason, 'It ran longer than the 5 s allowed.');
});

test('a check for which the job has no time left has not run', async () => {
  const reason = 'The job had no time left for it.';
  const sandbox = createMemorySandbox(
    {},
    { 'npm test': { output: 'Begin\n', timedOut: true, exitCode: null } },
  );
  const runUntil = (endsAt: number) =>
    runCheck(
      { command: 'npm test', needs: [] },
      { sandbox, setupFailure: undefined },
      { ...limits, endsAt },
      never,
    );
  const notRun = {
    ...{ status: 'could_not_run', exitCode: null, durationMs: 0, output: '', reason },
    isServersFault: true,
  };
  assert.deepEqual(await runUntil(Date.now()), notRun);
  assert.deepEqual(sandbox.asked, []);
  assert.deepEqual(await runUntil(Date.now() + 2_000), { ...notRun, output: 'Begin' });
});

test('a check that has cost its sandbox has failed; a loss before it began is the caller’s to mend', async () => {
  const lose = () => {
    throw new AppError('sandbox_lost', 'Out of memory.');
  };
  const { status, reason } = await run({ 'npm test': lose });
  assert.deepEqual([status, reason], ['failed', 'The sandbox was lost while it ran: Out of memory.']);
  const needs = [{ probe: 'command -v npm', otherwise: '' }];
  await assert.rejects(run({ 'command -v npm': lose }, undefined, needs), { code: 'sandbox_lost' });
});

test('for what the server could not do the change is not blamed', () => {
  const passed: CheckRun = { status: 'passed', exitCode: 0, durationMs: 0, output: '' };
  const notRun: CheckRun = { ...passed, status: 'could_not_run', exitCode: null };
  assert.equal(verdictOf(passed, { ...notRun, isServersFault: true }), 'could_not_run');
  assert.equal(verdictOf(passed, notRun), 'broken');
});

test('only what passed is called a success, and only what failed before is excused', () => {
  const as = (status: CheckRun['status']): CheckRun => ({ status, exitCode: 0, durationMs: 0, output: '' });
  const statuses = ['passed', 'failed', 'could_not_run'] as const;
  const verdicts = statuses.map((before) => statuses.map((after) => verdictOf(as(before), as(after))));
  assert.deepEqual(verdicts, [
    ['passed', 'broken', 'broken'],
    ['fixed', 'broken_before', 'could_not_run'],
    ['passed', 'broken_before', 'could_not_run'],
  ]);
});
