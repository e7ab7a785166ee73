import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { done, type JobBench, type Outcome, startJobBench } from '../support/job-bench.ts';
import { call, type Turn } from '../support/model/scenario.ts';
import { assertNothingPublished, publicationOf } from '../support/publication.ts';
import { commandOf } from '../support/security/attempt.ts';
import { type Canary, layCanary } from '../support/security/canary.ts';

/** The same agent in a whole job, and what it gets into the pull request. */

let bench: JobBench;
let canary: Canary;
before(async () => {
  bench = await startJobBench();
  canary = await layCanary();
});
after(async () => {
  await canary?.[Symbol.asyncDispose]();
  await bench?.[Symbol.asyncDispose]();
});

const workflow = 'on: push\n';
const files = {
  'README.md': '# Books\n',
  'docs/guide.md': 'Read on.\n',
  '.github/workflows/ci.yml': workflow,
  '.github/workflows/old.yml': workflow,
  'base-link': { symlink: '.git' },
};
const workflowRule = 'workflows and actions are not changed by the agent';

const bash = (...commands: string[]): Turn => ({
  reply: commands.map((command) => call('bash', { command })),
});

let count = 0;
const run = async (...turns: Turn[]) => {
  count += 1;
  const repository = await bench.forge.createRepository(`acme/attempt-${count}`, { files });
  const outcome = await bench.run({ repository, turns: [...turns, { reply: [done] }] });
  assert.deepEqual(await canary.changes(), []);
  return { repository, outcome };
};

const published = async ({ repository, outcome }: Awaited<ReturnType<typeof run>>) => {
  const publication = await publicationOf(bench.forge, repository, outcome);
  const blob = (file: string) => repository.git('cat-file', 'blob', `${publication.commit}:${file}`);
  return { ...publication, blob };
};

const hostFile = () => path.join(canary.directory, 'canary.txt');
const outputs = ({ events }: Outcome): string =>
  events.flatMap((event) => (event.type === 'Tool: Bash' ? [event.output] : [])).join('\n');

/** What odd-names.py makes; JavaScript keeps `__proto__` out of the object of changes. */
const oddNames = [
  ...['--checkpoint-action=exec=touch pwned', '--checkpoint=1', '-T', '--files-from=README.md', '-C'],
  ...['--to-command=touch pwned', '$(touch pwned)', '`touch pwned`', '; touch pwned', '| touch pwned'],
  ...[
    'a\ntouch pwned\n',
    'tab\there',
    '"quoted"',
    "it's",
    '*',
    '?',
    '%2e%2e%2f',
    '...',
    '.. ',
    ' ',
    '~',
    '#x',
  ],
  ...[
    'x'.repeat(255),
    'ends-with-cr\r',
    '\x1b[2Jcleared',
    'r\u202etxt.exe',
    'zero\u200bwidth',
    'e\u0301',
    'é',
  ],
  ...[':(exclude)README.md', '!README.md', 'name.lock', 'HEAD', 'refs', '\ufeffbom', 'constructor'],
];

test('the toolbox and the server use nothing that the agent left in its shell, its home, /tmp or .git', async () => {
  const { blob, changes, result } = await published(
    await run(
      bash(
        commandOf('odd-names.py'),
        commandOf('plant-links.sh', hostFile()),
        commandOf('trap-git.sh', canary.directory),
      ),
      bash(commandOf('poison-the-shell.bash'), 'exit 3', 'true'),
    ),
  );
  assert.deepEqual(changes, {
    ...Object.fromEntries(oddNames.map((name) => [name, 'A 100644'])),
    'README.md': 'M 100644',
    'docs/guide.md': 'D 100644',
    docs: 'A 120000',
    'link-that-climbs': 'A 120000',
    'link-to-the-environment': 'A 120000',
    'link-to-the-host': 'A 120000',
    'link-to-the-root': 'A 120000',
    'vendor/file': 'A 100644',
  });
  assert.deepEqual([...new Set(result.leftOut.map(({ reason }) => reason))], ['its name is not UTF-8']);
  // A link is its target, and nobody outside has followed it.
  assert.equal(await blob('link-to-the-host'), hostFile());
  assert.equal(await blob('link-that-climbs'), `../../../../../../..${hostFile()}`);
});

test('an agent that replaces the toolbox gets nothing forbidden into the commit', async () => {
  const { blob, changes, result } = await published(
    await run(bash(commandOf('impersonate-the-toolbox.py', 'forge', hostFile()))),
  );
  // That FORGED.md is there shows that the toolbox was replaced.
  assert.deepEqual(changes, { 'FORGED.md': 'A 100644', 'link-to-the-host': 'A 120000' });
  assert.equal(await blob('link-to-the-host'), hostFile());
  const reasons = Object.groupBy(result.leftOut, ({ reason }) => reason);
  assert.deepEqual(
    Object.fromEntries(Object.entries(reasons).map(([reason, paths = []]) => [reason, paths.length])),
    {
      [workflowRule]: 4,
      'not a path that a commit may hold': 9,
      'its name is not UTF-8': 1,
    },
  );
});

test('an agent that replaces the toolbox does not make a check pass', async () => {
  const repository = await bench.forge.createRepository('acme/checked', { files });
  const { events, last } = await bench.run({
    repository,
    request: { checks: ['test ! -e FORGED.md'] },
    turns: [
      bash(commandOf('impersonate-the-toolbox.py', 'forge', hostFile())),
      { reply: [done] },
      { reply: [done] },
    ],
  });
  const runs = events.flatMap((event) => (event.type === 'Check: Finished' ? [event.status] : []));
  assert.deepEqual(runs, ['passed', 'failed']);
  const checks = [{ command: 'test ! -e FORGED.md', verdict: 'broken' }];
  assert.partialDeepStrictEqual(last, { type: 'Result', checks });
});

test('an agent that replaces the toolbox deletes nothing that the commit may not change, and nothing without its being told', async () => {
  const job = await run(bash(commandOf('impersonate-the-toolbox.py', 'cover')));
  const { changes, result } = await published(job);
  const expected = { 'FORGED.md': 'A 100644', docs: 'A 120000', 'docs/guide.md': 'D 100644' };
  assert.deepEqual(changes, expected);
  const committed = job.outcome.events.find((event) => event.type === 'Git: Commit');
  assert.deepEqual(
    committed?.files.map(({ path: file }) => file),
    Object.keys(expected),
  );
  assert.deepEqual(result.leftOut.map(({ path: file }) => file).toSorted(), [
    '.github',
    '.github/workflows/ci.yml',
    '.github/workflows/old.yml',
  ]);
});

test('no spelling of a workflow gets into the commit', async () => {
  const { changes, result } = await published(await run(bash(commandOf('hide-a-workflow.py'))));
  assert.deepEqual(changes, { 'harmless.yml': 'A 100644' });
  assert.deepEqual([...new Set(result.leftOut.map(({ reason }) => reason))], [workflowRule]);
  assert.equal(result.leftOut.length, 20);
});

test('a file that is another at every look is in the commit as one of them, or not at all', async () => {
  const job = await run(
    { reply: [call('write', { filepath: 'NOTES.md', content: 'Notes.\n' })] },
    bash(commandOf('swap-while-read.py', hostFile())),
  );
  const { outcome, repository } = job;
  if (outcome.last.type === 'Error') {
    assert.match(outcome.last.code, /^(sandbox_lost|changeset_refused)$/);
    return assertNothingPublished(bench.forge, repository);
  }
  const { blob, changes } = await published(job);
  const { 'NOTES.md': notes, swapped = 'nothing', ...others } = changes;
  assert.deepEqual({ notes, others }, { notes: 'A 100644', others: {} });
  assert.match(swapped, /^(nothing|A 100644|A 120000)$/);
  if (swapped === 'nothing') return;
  const content = await blob('swapped');
  const allowed =
    swapped === 'A 120000' ? [hostFile(), '/proc/self/environ'] : ['one', 'other\n'.repeat(1000).trim()];
  assert.ok(allowed.includes(content), content.slice(0, 200));
});

test('a sandbox that replaces a lost one begins with the workspace and nothing else', async () => {
  const job = await run(
    bash(commandOf('lose-the-sandbox.sh', 'plant')),
    bash(commandOf('lose-the-sandbox.sh', 'lose')),
    bash('sleep 1; ls -a /tmp ~ .git/hooks; ps ax; git config --list; cat notes.md; readlink docs gitlink'),
  );
  const { changes, result } = await published(job);
  assert.doesNotMatch(outputs(job.outcome).split('is gone').at(-1) ?? '', /FOUND/);
  assert.deepEqual(changes, {
    docs: 'A 120000',
    'docs/guide.md': 'D 100644',
    gitlink: 'A 120000',
    'notes.md': 'A 100644',
  });
  assert.deepEqual(result.leftOut, [{ path: '.github/workflows/new.yml', reason: workflowRule }]);
});

test('a sandbox that replaces a lost one does not begin with what a replaced toolbox has put below links', async () => {
  const job = await run(
    bash(commandOf('impersonate-the-toolbox.py', 'carry-over')),
    bash('true'),
    bash('cat FORGED.md; find / -path /proc -prune -o -name "FOUND-*" -print 2>/dev/null'),
  );
  const { changes } = await published(job);
  assert.match(outputs(job.outcome), /The toolbox was replaced/);
  assert.doesNotMatch(outputs(job.outcome), /FOUND/);
  assert.deepEqual(changes, {
    'FORGED.md': 'A 100644',
    git: 'A 120000',
    home: 'A 120000',
    tmp: 'A 120000',
  });
});

test('what a sandbox says does not steer the terminal of who watches it', async () => {
  const { outcome } = await run(bash(commandOf('write-to-the-terminal.py')));
  assert.match(outputs(outcome), /\u009b31m[\s\S]*\u202e/);
  const read = async (where: string) =>
    (await fetch(`${bench.server.url}/jobs/${outcome.jobId}${where}`)).text();
  for (const shown of [await read(''), await read('/events'), bench.server.log()]) {
    assert.ok(shown.length > 100);
    assert.doesNotMatch(shown.replaceAll('\n', ''), /[\p{Cc}\p{Bidi_Control}]/u);
  }
});
