import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptJson } from '../bench/agent/report.ts';
import { runTasks } from '../bench/agent/run-tasks.ts';
import { filesOf, readTasks, type Task } from '../bench/agent/tasks.ts';
import { requireDocker } from '../support/docker.ts';
import type { Files } from '../support/forge/repository-files.ts';
import { startForgeAndModel } from '../support/forge-and-model.ts';
import { type Block, call, type Scenario, say } from '../support/model/scenario.ts';

/** A test of the bench, not of an agent: each «model» here is a SCENARIO that knows what it has to write. */

const benchMs = 300_000;

test('the bench judges by hidden tests: what is right is solved, what only looks so is not', async () => {
  await requireDocker();
  const tasks = (await readTasks()).filter(({ name }) => name in expected);
  const [nothingToDo, right, cannotBeDone, sloppy] = tasks;
  assert(right && sloppy && nothingToDo && cannotBeDone);
  const scenarios = [
    await writes(right, ['feedback/summary.py', 'feedback/__main__.py']),
    // The pages are right then, and the tests that it sees pass, but the links are as wrong as before.
    await writes(sloppy, ['src/paginate.js']),
    answers(nothingToDo, 'Nothing to change\n\nAll of it is there.'),
    answers(cannotBeDone, 'The prices are up to date\n\nThere was nothing to do.'),
  ];
  await using farEnds = await startForgeAndModel(scenarios);
  const { ANTHROPIC_API_KEY = '', ANTHROPIC_BASE_URL = '' } = farEnds.settings;
  const settings = { ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL };
  const told: string[] = [];
  const attempts = await runTasks(
    ...([tasks, farEnds.forge, settings, AbortSignal.timeout(benchMs)] as const),
    ({ task }) => told.push(task.name),
  );

  assert.deepEqual(told.toSorted(), Object.keys(expected));
  assert.deepEqual(
    Object.fromEntries(
      attempts.map(attemptJson).map(({ task, status, solved }) => [task, { status, solved }]),
    ),
    expected,
  );
  const whys = attempts.flatMap(({ verdict }) => (verdict.solved ? [] : [verdict.why]));
  assert.equal(whys.length, 2);
  assert.match(
    whys[0] ?? '',
    /^the last words do not say why nothing was changed:\nThe prices are up to date/,
  );
  assert.match(whys[1] ?? '', /^hidden tests fail:\n/);
  for (const { end } of attempts) assert.ok(end && end.usage.turns > 0 && end.durationMs > 0);
  assert.deepEqual(farEnds.forge.violations, []);
  assert.equal(farEnds.forge.pullRequests('bench/pagination').length, 1);
});

const expected = {
  'duration-parsing': { status: 'nothing_to_change', solved: true },
  'feedback-summary': { status: 'succeeded', solved: true },
  'missing-tariffs': { status: 'nothing_to_change', solved: false },
  pagination: { status: 'succeeded', solved: false },
};

/** Takes these files over from the task's solution. */
const writes = async (task: Task, paths: readonly string[]): Promise<Scenario> => {
  const solution = await filesOf(task, 'solution');
  const write = (filepath: string): Block => call('write', { filepath, content: textOf(solution, filepath) });
  return {
    ...{ name: task.name, when: task.prompt },
    turns: [
      { reply: [say('I write it down.'), ...paths.map(write)] },
      { expect: /^Wrote /, reply: [say('Mend what was reported\n\nIt works now.')] },
    ],
  };
};

const answers = (task: Task, text: string): Scenario => ({
  ...{ name: task.name, when: task.prompt },
  turns: [
    { reply: [say('Let me look.'), call('read', { filepath: 'README.md' })] },
    { expect: /./, reply: [say(text)] },
  ],
});

const textOf = (files: Files, path: string): string => {
  const file = files[path];
  assert(Buffer.isBuffer(file), `the solution has ${path}`);
  return file.toString('utf8');
};
