import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { archiveOf } from '../../bench/agent/archive.ts';
import { runIn } from '../../bench/agent/hidden-tests.ts';
import { filesOf, readTasks, type Task } from '../../bench/agent/tasks.ts';
import { openProductionSandboxes } from '../../bench/sandbox/production.ts';
import { sample, startRandom } from '../../support/sample.ts';
import { soon, type TestSandboxes } from '../../support/sandboxes.ts';

/** No model takes part here: the tasks themselves are put to the test, all in one sandbox. */

const tasks = await readTasks();
/** A part of them under `npm test`: each of its programs has to be started in a sandbox. */
const proved = sample(tasks, 3, startRandom('agent tasks'));
let sandboxes: TestSandboxes;
let sandbox: Sandbox;

before(async () => {
  sandboxes = await openProductionSandboxes();
  sandbox = await sandboxes.acquire('tasks', soon());
});
after(() => sandboxes?.[Symbol.asyncDispose]());

/** Lays the parts of the task over each other, and runs the command there. */
const runOn = async (task: Task, parts: readonly Parameters<typeof filesOf>[1][], command: string) => {
  const directory = `${task.name}-${parts.join('-')}`;
  for (const part of parts)
    await sandbox.unpack(archiveOf(await filesOf(task, part), `${directory}/`), soon());
  return runIn(sandbox, `/workspace/${directory}`, command, soon());
};

test('there are tasks of each kind, in four languages and more', () => {
  const count = (kind: Task['kind']) => tasks.filter((task) => task.kind === kind).length;
  assert.ok(tasks.length >= 12);
  assert.ok(new Set(tasks.map(({ language }) => language)).size >= 4);
  assert.ok(count('bug') >= 5);
  assert.ok(count('feature') >= 4);
  assert.ok(count('refactoring') >= 1);
  assert.ok(count('no_change') >= 1);
  assert.ok(count('impossible') >= 1);
});

// Two at a time: most of what they do is to wait for programs to start.
describe('each task is sound', { concurrency: 2 }, () => {
  for (const task of proved) test(`${task.name}: ${task.kind} in ${task.language}`, () => prove(task));
});

/**
 * The visible checks go as the task says, with its solution they pass; the hidden tests tell a repository with the
 * solution from one without it.
 */
const prove = async (task: Task): Promise<void> => {
  const isToChange = task.solved === 'hidden_tests_pass';
  for (const { command, passes } of task.checks) {
    const { passed, output } = await runOn(task, ['repository'], command);
    assert.equal(passed, passes, output);
    if (!isToChange) continue;
    const solved = await runOn(task, ['repository', 'solution'], command);
    assert.ok(solved.passed, solved.output);
  }
  const { hidden } = task;
  if (hidden === undefined) return assert.ok(!isToChange, 'hidden tests decide, and there are none');
  const untouched = await runOn(task, ['repository', 'hidden'], hidden);
  assert.equal(untouched.passed, !isToChange, untouched.output);
  if (!isToChange) return;
  const solved = await runOn(task, ['repository', 'solution', 'hidden'], hidden);
  assert.ok(solved.passed, solved.output);
};
