import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { probeDemoApi } from '../../support/probe-demo-api.ts';
import { addValidation, addValidationPrompt } from '../../support/scenarios/add-validation.ts';
import {
  longCommand,
  longCommandPrompt,
  neverEnding,
  neverEndingPrompt,
} from '../../support/scenarios/never-ending.ts';
import { noChange, noChangePrompt } from '../../support/scenarios/no-change.ts';
import { replay } from '../../support/scenarios/replay.ts';

const demoRepository = join(import.meta.dirname, '../../support/demo-repository');
const run = promisify(execFile);

/** A copy of the demo's repository with one commit. */
const cloneDemo = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'backspace-demo-'));
  const git = async (...args: string[]): Promise<string> => {
    const identity = ['-c', 'user.name=Demo', '-c', 'user.email=demo@example.org'];
    return (await run('git', [...identity, ...args], { cwd: directory })).stdout;
  };
  await cp(demoRepository, directory, { recursive: true });
  await git('init', '--quiet');
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'Page Turners');
  return {
    directory,
    git,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
};

test('the demo’s API takes good bodies and stumbles over bad ones', async () => {
  const { good, bad, problems } = await probeDemoApi(demoRepository);
  assert.deepEqual(
    good.map(({ status }) => status),
    [201, 201, 201, 201, 201],
  );
  const statuses = new Set(bad.map(({ status }) => status));
  assert.deepEqual(statuses, new Set([500, 201]));
  for (const endpoint of ['POST /books', 'POST /members', 'POST /books/:id/reviews']) {
    assert.ok(
      bad.some((answer) => answer.endpoint === endpoint && answer.status === 201),
      `${endpoint} takes none of the bad bodies`,
    );
  }
  assert.equal(problems.length, bad.length + 1);
});

test('the agent of the demo adds validation to all three POST endpoints', async () => {
  await using demo = await cloneDemo();
  const { answer, calls } = await replay(addValidation, demo.directory);

  const [title = '', blank, ...description] = answer.split('\n');
  assert.match(title, /^[A-Z][^.]{10,70}[^.]$/);
  assert.equal(blank, '');
  assert.match(description.join('\n'), /28 tests pass/);
  assert.ok(calls.length >= 10 && calls.length <= 14, `${calls.length} turns`);
  assert.deepEqual(
    new Set(calls.flat()),
    new Set(['list', 'read', 'search', 'bash', 'plan', 'write', 'edit']),
  );

  assert.deepEqual((await probeDemoApi(demo.directory)).problems, []);
  assert.equal(
    await demo.git('status', '--short', '--untracked-files=all'),
    ' M README.md\n M src/app.js\n M src/http.js\n M src/routes/books.js\n M src/routes/members.js\n' +
      ' M src/routes/reviews.js\n?? src/validation.js\n?? tests/validation.test.js\n',
  );
});

test('the agent that finds nothing to change leaves every file as it is', async () => {
  await using demo = await cloneDemo();
  const { answer } = await replay(noChange, demo.directory);
  assert.match(answer, /^Nothing to change/);
  assert.equal(await demo.git('status', '--short'), '');
});

test('the README that the agent finds in order names every route and every script', async () => {
  const readme = await readFile(join(demoRepository, 'README.md'), 'utf8');
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    await readFile(join(demoRepository, 'package.json'), 'utf8'),
  );
  const documented = [...readme.matchAll(/^\| (GET|POST) +\| `(\S+)`/gm)].map(
    ([, method, path]) => `${method} ${path}`,
  );
  assert.deepEqual(documented, [
    'GET /books',
    'GET /books/:id',
    'POST /books',
    'GET /members',
    'POST /members',
    'POST /books/:id/reviews',
  ]);
  const missing = Object.keys(scripts).filter(
    (script) => !new RegExp(`npm (run )?${script}\\b`).test(readme),
  );
  assert.deepEqual(missing, []);
});

test('each prompt fits its own scenario and no other', () => {
  const prompts = [addValidationPrompt, noChangePrompt, neverEndingPrompt, longCommandPrompt];
  const fitting = prompts.map((prompt) =>
    [addValidation, noChange, neverEnding, longCommand]
      .filter(({ when }) => new RegExp(when).test(prompt))
      .map(({ name }) => name),
  );
  assert.deepEqual(fitting, [['add-validation'], ['no-change'], ['never-ending'], ['long-command']]);
});
