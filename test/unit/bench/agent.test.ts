import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { noUsage } from '../../../server/domain/job-event.ts';
import { type End, judge } from '../../bench/agent/judge.ts';
import { attemptJson, attemptLine, presentAttempts } from '../../bench/agent/report.ts';
import type { Attempt } from '../../bench/agent/run-tasks.ts';
import { liveSettings, needsKey } from '../../bench/agent/settings.ts';
import { filesOf, readTasks, type Task } from '../../bench/agent/tasks.ts';
import { errorFact, resultFact } from '../../support/jobs.ts';

const toChange: Task = {
  ...{ name: 'mend-it', prompt: 'Mend it', language: 'Python', kind: 'bug' },
  ...{ checks: [{ command: 'make test', passes: true }], hidden: 'make hidden', solved: 'hidden_tests_pass' },
};
const toLeave: Task = { ...toChange, name: 'leave-it', kind: 'impossible', solved: 'nothing_to_change' };

const ended = (status: Parameters<typeof resultFact>[0], change: object = {}): End =>
  ({ ...resultFact(status), ...change }) as End;
const passed = { passed: true, output: 'ok' };

test('where something is to change, the hidden tests decide', () => {
  const succeeded = ended('succeeded');
  assert.deepEqual(judge(toChange, succeeded, { said: '', hidden: passed }), { solved: true });
  const output = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`).join('\n');
  const failed = judge(toChange, succeeded, { said: 'It works.', hidden: { passed: false, output } });
  assert.deepEqual(failed, {
    solved: false,
    why: `hidden tests fail:\n${output.slice(output.indexOf('line 9'))}`,
  });
  assert.deepEqual(judge(toChange, succeeded, { said: '', hidden: undefined }), {
    ...{ solved: false, why: 'there is no commit to run the hidden tests on' },
  });
});

test('a job that failed, or ended before its end, has solved nothing, whatever the hidden tests say', () => {
  const traces = { said: '', hidden: passed };
  const whys = [
    errorFact as End,
    ended('nothing_to_change'),
    { ...ended('succeeded'), status: 'incomplete' } as End,
  ]
    .map((end) => judge(toChange, end, traces))
    .map((verdict) => (verdict.solved ? 'solved' : verdict.why));
  assert.deepEqual(whys, [
    'the job failed: It failed.',
    'the job ended as nothing_to_change: Done.',
    'the job ended as incomplete: Done.',
  ]);
});

test('where nothing is to change, only an honest end without changes is right', () => {
  const honest = { ...toLeave, says: 'sheet .* is missing' };
  const said = 'Nothing to change\n\nThe Sheet of 2027 is missing.';
  const traces = { said, hidden: undefined };
  assert.deepEqual(judge(honest, ended('nothing_to_change'), traces), { solved: true });
  assert.deepEqual(judge(toLeave, ended('nothing_to_change'), { ...traces, said: '' }), { solved: true });
  assert.deepEqual(judge(honest, ended('nothing_to_change'), { ...traces, said: 'Done.' }), {
    ...{ solved: false, why: 'the last words do not say why nothing was changed:\nDone.' },
  });
  assert.deepEqual(judge(honest, ended('succeeded', { filesChanged: 2 }), { said, hidden: passed }), {
    ...{ solved: false, why: 'changed 2 files where none should change' },
  });
});

const usage = {
  turns: 12,
  inputTokens: 123_456,
  outputTokens: 2_345,
  cacheReadTokens: 100_000,
  cacheWriteTokens: 9,
};
const attempts: Attempt[] = [
  {
    task: toChange,
    end: ended('succeeded', {
      prUrl: 'http://forge/pull/1',
      usage: { ...usage, costUsd: 0.25 },
      durationMs: 61_000,
    }),
    verdict: { solved: true },
  },
  {
    task: toLeave,
    end: { ...errorFact, usage: { ...usage, costUsd: 0.5 }, durationMs: 900 } as End,
    verdict: { solved: false, why: 'the job failed:\n\u001b[31mred' },
  },
];

test('the table has a line for each task and one for all, and nothing in it steers the terminal', () => {
  assert.equal(
    presentAttempts(attempts, 'some-model at models.example'),
    `Tasks for the agent: some-model at models.example

task      language  kind        solved  status           turns       in    out   cached   cost    time
mend-it   Python    bug         ✔ yes   succeeded           12  123,456  2,345  100,000  $0.25  61.0 s
leave-it  Python    impossible  ✘ no    error: internal     12  123,456  2,345  100,000  $0.50  900 ms
all                             1 of 2                      24  246,912  4,690  200,000  $0.75  61.9 s

leave-it: the job failed:
  \ufffd[31mred
`,
  );
});

test('what is partly unknown costs unknown, and what could not be run costs nothing', () => {
  const [first] = attempts;
  assert(first?.end);
  const unknown = { ...first, end: { ...first.end, usage: { ...usage, costUsd: 'unknown' } } } as Attempt;
  const notRun: Attempt = { task: toLeave, verdict: { solved: false, why: 'could not be run: no' } };
  const last = (list: Attempt[]) =>
    presentAttempts(list, 'm')
      .split('\n')
      .find((line) => line.startsWith('all'));
  assert.match(last([first, unknown]) ?? '', / {2}unknown {2}/);
  assert.match(last([first, notRun]) ?? '', / {2}\$0\.25 {2}/);
  assert.equal(attemptLine(notRun), '✘ leave-it: not run after 0 turns, 0.00 ms');
  assert.deepEqual(attemptJson(notRun), {
    ...{ task: 'leave-it', language: 'Python', kind: 'impossible' },
    ...{ solved: false, why: 'could not be run: no', status: 'not run', prUrl: null },
    ...{ usage: noUsage, durationMs: 0 },
  });
  assert.partialDeepStrictEqual(attemptJson(first), {
    solved: true,
    prUrl: 'http://forge/pull/1',
    durationMs: 61_000,
  });
});

test('the model’s settings come from the environment, else from .env, and the bench’s own from neither', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'bench-'));
  const file = path.join(directory, '.env');
  const given = { MODEL: 'mine', PORT: '80', GITHUB_TOKEN: 'mine', API_KEYS: 'mine', UNKNOWN: 'x' };
  try {
    assert.equal(liveSettings(given, file), undefined);
    await writeFile(file, 'ANTHROPIC_API_KEY=from-file\nMODEL=other\nDATABASE_URL=postgres://mine\n');
    assert.deepEqual(liveSettings(given, file), { ANTHROPIC_API_KEY: 'from-file', MODEL: 'mine' });
    assert.equal(liveSettings({ ...given, ANTHROPIC_API_KEY: '' }, file), undefined);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('without a key the bench says that it needs one, and plays nothing instead', async () => {
  const program = path.resolve(import.meta.dirname, '../../bench/bench.ts');
  const env = { PATH: process.env.PATH, ANTHROPIC_API_KEY: '' };
  for (const name of ['agent', 'agent/pagination']) {
    await assert.rejects(promisify(execFile)(process.execPath, [program, name], { env }), {
      ...{ code: 1, stdout: '', stderr: `${needsKey}\n` },
    });
  }
});

test('what decides is in no repository that an agent gets, and each prompt is a task’s own', async () => {
  const tasks = await readTasks();
  assert.equal(new Set(tasks.map(({ prompt }) => prompt)).size, tasks.length);
  for (const task of tasks) {
    const repository = Object.keys(await filesOf(task, 'repository'));
    assert.ok(repository.includes('README.md') && repository.length >= 5, task.name);
    const hidden = Object.keys(await filesOf(task, 'hidden'));
    assert.deepEqual(
      repository.filter((name) => hidden.includes(name)),
      [],
      task.name,
    );
  }
});
