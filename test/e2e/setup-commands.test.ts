import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, type Outcome, script, startJobBench } from '../support/job-bench.ts';
import { eventsOf } from '../support/job-stream.ts';
import { call, type Turn } from '../support/model/scenario.ts';
import { quick, quickPrompt, startSystem } from '../support/system.ts';

const directory = await mkdtemp(path.join(os.tmpdir(), 'setup-commands-'));
after(() => rm(directory, { recursive: true, force: true }));
const bench = await startJobBench(() => ({
  DATA_DIR: directory,
  SETUP_EGRESS_ALLOW: 'registry.example',
  EGRESS_ALLOW: 'mirror.example',
  // The local forge is as little github.com as an Enterprise server is.
  EGRESS_ALLOW_PRIVATE: 'true',
}));
after(() => bench[Symbol.asyncDispose]());
const { forge } = bench;

/** Installs without a network what the lockfile names, and tells by a number that no second run has the same of. */
const install = `set -e
mkdir -p node_modules/dep node_modules/.bin "$HOME/.cache/dep"
printf 'module.exports = "%s";\\n' "$(cat package-lock.json)" >node_modules/dep/index.js
printf '#!/usr/bin/env node\\nconsole.log(require("dep"));\\n' >node_modules/dep/cli.js
chmod +x node_modules/dep/cli.js
ln -sf ../dep/cli.js node_modules/.bin/dep
date +%s%N >"$HOME/.cache/dep/made-at"
echo installed 1 package`;

const files = {
  '.gitignore': 'node_modules/\n',
  'package.json': '{"name": "app"}\n',
  'package-lock.json': 'one',
  'install.sh': install,
};
const setup = ['echo ready', 'sh install.sh'];

/** The agent's turn: what is there goes into a file of the pull request, so that the test can see it. */
const useIt = [
  call('bash', { command: 'node_modules/.bin/dep >seen.txt && cat ~/.cache/dep/made-at >>seen.txt' }),
];
const use: Turn[] = [{ reply: useIt }, { expect: /exit code 0/, reply: [done] }];

const seenIn = async (fullName: string): Promise<{ version: string; madeAt: string }> => {
  const branch = forge.pullRequests(fullName).at(-1)?.head ?? assert.fail('there is no pull request');
  const repository = repositories.get(fullName) ?? assert.fail();
  const [version = '', madeAt = ''] = (await repository.git('show', `${branch}:seen.txt`)).split('\n');
  return { version, madeAt };
};

const repositories = new Map<string, Awaited<ReturnType<typeof forge.createRepository>>>();
const createRepository = async (fullName: string, contents: Record<string, string>) => {
  const repository = await forge.createRepository(fullName, { files: contents });
  repositories.set(fullName, repository);
  return repository;
};

const setupOf = ({ events }: Outcome) =>
  events.flatMap((event): unknown[] => {
    if (event.type === 'Setup: Started') return [`started ${event.command}`];
    if (event.type !== 'Setup: Finished') return [];
    const { command, exitCode, output, cached } = event;
    return [{ command, exitCode, output, cached }];
  });

const ran = [
  'started echo ready',
  { command: 'echo ready', exitCode: 0, output: 'ready', cached: false },
  'started sh install.sh',
  { command: 'sh install.sh', exitCode: 0, output: 'installed 1 package', cached: false },
];
const taken = setup.flatMap((command) => [
  `started ${command}`,
  { command, exitCode: 0, output: '', cached: true },
]);

test('the setup runs before the agent; the next job with the same lockfile gets its result, another one does not', async () => {
  const repository = await createRepository('acme/app', files);
  const job = { repository, turns: use, request: { setup } };
  const first = await bench.run(job);
  assert.partialDeepStrictEqual(first.last, { type: 'Result', status: 'succeeded' });
  const made = await seenIn('acme/app');
  const types = first.events.map(({ type }) => type);
  assert.ok(types.lastIndexOf('Setup: Finished') < types.indexOf('Tool: Bash'));

  await repository.commit({ ...files, 'src/app.js': 'more\n' }, 'More', 'main');
  const second = await bench.run(job);
  const again = await seenIn('acme/app');

  await repository.commit({ ...files, 'package-lock.json': 'two' }, 'Raise dep', 'main');
  const third = await bench.run(job);
  const anew = await seenIn('acme/app');

  assert.deepEqual([first, second, third].map(setupOf), [ran, taken, ran]);
  assert.deepEqual([made.version, again, anew.version], ['one', made, 'two']);
  assert.notEqual(anew.madeAt, made.madeAt);
});

/** Touches every file without a change, and makes one. The commands name neither. */
const touching = {
  ...{ '.gitignore': 'node_modules/\n', 'install.sh': 'sh make.sh && chmod -R u+w .' },
  'make.sh': '[ -e made.txt ] || echo made >made.txt',
};

test('what was set up at another commit leaves the files of this one alone', async () => {
  const older = { ...touching, 'scripts/x.sh': 'old\n', 'scripts/gone.sh': 'gone\n' };
  const repository = await createRepository('acme/two-commits', older);
  const job = { repository, request: { setup: ['sh install.sh'] } };
  const see = script(
    'cat scripts/x.sh made.txt >seen.txt && [ ! -e scripts/gone.sh ] && echo edit >>scripts/x.sh',
  );
  const first = await bench.run({ ...job, turns: script('cat made.txt >seen.txt') });
  await repository.commit({ 'scripts/x.sh': 'new\n', 'scripts/gone.sh': null }, 'Renew', 'main');
  const second = await bench.run({ ...job, turns: see });
  const cached = ({ events }: Outcome) =>
    events.flatMap((event) => (event.type === 'Setup: Finished' ? [event.cached] : []));
  assert.deepEqual([cached(first), cached(second)], [[false], [true]]);
  assert.deepEqual(await seenIn('acme/two-commits'), { version: 'new', madeAt: 'made' });
  const branch = forge.pullRequests('acme/two-commits').at(-1)?.head ?? assert.fail();
  assert.equal(await repository.git('diff', '--name-only', 'main', branch), 'scripts/x.sh\nseen.txt');
  assert.equal(await repository.git('show', `${branch}:scripts/x.sh`), 'new\nedit');
});

test('what was set up where this commit has a file of its own is thrown away, and the setup runs', async () => {
  const repository = await createRepository('acme/in-its-place', touching);
  const job = { repository, request: { setup: ['sh install.sh'] } };
  await bench.run({ ...job, turns: script('cat made.txt >seen.txt') });
  await repository.commit({ 'made.txt': 'theirs\n' }, 'Add it', 'main');
  const second = await bench.run({ ...job, turns: script('cat made.txt made.txt >seen.txt') });
  assert.deepEqual(setupOf(second), [
    'started sh install.sh',
    { command: 'sh install.sh', exitCode: 0, output: '', cached: false },
  ]);
  assert.deepEqual(await seenIn('acme/in-its-place'), { version: 'theirs', madeAt: 'theirs' });
});

test('a setup that modifies or deletes what the base has is run for each job, and is no part of the change', async () => {
  const repository = await createRepository('acme/modified', {
    ...files,
    'old.txt': 'old\n',
    'app.txt': 'app\n',
  });
  const command = 'rm old.txt && echo raised >app.txt && echo ran';
  const job = { repository, request: { setup: [command] }, turns: script('echo mine >mine.txt') };
  for (const outcome of [await bench.run(job), await bench.run(job)]) {
    assert.deepEqual(setupOf(outcome), [
      `started ${command}`,
      { command, exitCode: 0, output: 'ran', cached: false },
    ]);
    const committed = outcome.events.find(({ type }) => type === 'Git: Commit');
    assert.partialDeepStrictEqual(committed, { files: [{ path: 'mine.txt', status: 'added' }] });
  }
});

test('a setup that makes more than can be told from the change has failed, and the agent begins at the base', async () => {
  const repository = await createRepository('acme/too-many', files);
  const command =
    'mkdir many && cd many && touch $(seq 5001) && rm ../package.json && git add -A . && echo made';
  const outcome = await bench.run({
    repository,
    request: { setup: [command], checks: ['test -e many/1'] },
    turns: script('[ ! -e many ] && [ -e package.json ] && echo mine >mine.txt'),
  });
  const committed = outcome.events.find(({ type }) => type === 'Git: Commit');
  assert.partialDeepStrictEqual(committed, { files: [{ path: 'mine.txt', status: 'added' }] });
  assert.match(
    JSON.stringify(forge.pullRequests('acme/too-many').at(-1)),
    /5002 files that \.gitignore does not hide/,
  );
});

test('an entry of the cache that was cut short is thrown away, and the setup runs', async () => {
  const repository = await createRepository('acme/cut-short', files);
  const before = new Set(await readdir(path.join(directory, 'setup-cache')));
  const job = { repository, turns: use, request: { setup } };
  await bench.run(job);
  const [entry = assert.fail()] = (await readdir(path.join(directory, 'setup-cache'))).filter(
    (name) => !before.has(name),
  );
  await truncate(path.join(directory, 'setup-cache', entry), 2000);
  assert.deepEqual(setupOf(await bench.run(job)), ran);
});

test('another repository never gets what the setup of this one made', async () => {
  await bench.run({
    ...{ repository: await createRepository('acme/mine', files), turns: use, request: { setup } },
  });
  const theirs = await createRepository('acme/theirs', files);
  assert.deepEqual(setupOf(await bench.run({ repository: theirs, turns: use, request: { setup } })), ran);
});

/** How a request to the host is answered. Refused before its name is resolved, it never leaves this machine. */
const ask = (host: string) =>
  `curl --silent --output /dev/null --write-out '${host} %{http_connect}\\n' https://${host}/`;

test('a setup reaches neither the hosts that the agent may nor the repository, and the agent none of those of a setup', async () => {
  const repository = await createRepository('acme/egress', files);
  const gateway = `git ls-remote origin >/dev/null 2>&1 && echo repository yes || echo repository no`;
  const command = [ask('mirror.example'), ask('github.com'), gateway].join('\n');
  // What it leaves behind would ask again when the agent is at work.
  const left = `(setsid sh -c 'while true; do sleep 0.2; date >>/workspace/alive.txt; done' >/dev/null 2>&1 &)`;
  const outcome = await bench.run({
    repository,
    request: { setup: [`${command}\n${left}`] },
    turns: script(`
      rm -f alive.txt && sleep 1 && [ ! -e alive.txt ]
      (${ask('registry.example')} || true) >seen.txt
      git ls-remote origin >/dev/null && echo repository yes >>seen.txt`),
  });
  assert.partialDeepStrictEqual(outcome.last, { type: 'Result', status: 'succeeded' });
  const finished = outcome.events.find(({ type }) => type === 'Setup: Finished');
  const answers = 'mirror.example 403\ngithub.com 403\nrepository no';
  assert.partialDeepStrictEqual(finished, { exitCode: 0, output: answers });
  assert.deepEqual(await seenIn('acme/egress'), {
    version: 'registry.example 403',
    madeAt: 'repository yes',
  });
  const ofSetup = (host: string) => ({
    ...{ type: 'Egress: Denied', host, port: 443 },
    reason: 'The host is not allowed while setup commands run.',
    howToAllow: `Add ${host} to SETUP_EGRESS_ALLOW on the server.`,
  });
  assert.deepEqual(
    outcome.events.filter(({ type }) => type === 'Egress: Denied').map(({ id: _, at: __, ...fact }) => fact),
    [
      ofSetup('mirror.example'),
      ofSetup('github.com'),
      {
        ...{ type: 'Egress: Denied', host: 'registry.example', port: 443 },
        reason: 'The host is not allowed.',
        howToAllow: 'Add registry.example to EGRESS_ALLOW on the server.',
      },
    ],
  );
  assert.partialDeepStrictEqual(outcome.last, { egressDenied: { total: 3 } });
});

test('what a setup made is no part of the change, unless the agent changes it, also in another sandbox', async () => {
  const repository = await createRepository('acme/generated', files);
  const outcome = await bench.run({
    repository,
    request: {
      setup: ['mkdir vendor && echo 1 >vendor/a && echo 1 >vendor/b && echo raised >package-lock.json'],
    },
    turns: [
      { reply: [call('bash', { command: 'echo 2 >vendor/b && echo mine >mine.txt' })] },
      { expect: /exit code 0/, reply: [call('bash', { command: 'kill 1; sleep 60' })] },
      {
        expect: /2 changed files, 0 deletions/,
        reply: [call('bash', { command: 'cat vendor/a vendor/b package-lock.json mine.txt' })],
      },
      { expect: /1\n2\nraised\nmine/, reply: [done] },
    ],
  });
  const committed = outcome.events.find(({ type }) => type === 'Git: Commit');
  assert.partialDeepStrictEqual(committed, {
    files: [
      { path: 'mine.txt', status: 'added' },
      { path: 'vendor/b', status: 'added' },
    ],
  });
});

test('what the base says of its setup is done for the checks, too, and an image that is not offered is told', async () => {
  const settings = 'setup:\n  - sh install.sh\nchecks:\n  - node_modules/.bin/dep | grep one\nimage: go\n';
  const repository = await createRepository('acme/checked', { ...files, '.backspace.yml': settings });
  const outcome = await bench.run({ repository, turns: use });
  assert.partialDeepStrictEqual(outcome.last, {
    type: 'Result',
    status: 'succeeded',
    checks: [{ command: 'node_modules/.bin/dep | grep one', verdict: 'passed' }],
  });
  assert.deepEqual(
    outcome.events.flatMap((event) =>
      event.type === 'Setup: Finished' ? [[event.sandbox, event.exitCode, event.cached]] : [],
    ),
    [
      ['agent', 0, false],
      ['before', 0, true],
      ['after', 0, true],
    ],
  );
  const explored = outcome.events.find(({ type }) => type === 'Repository: Explored');
  assert.partialDeepStrictEqual(explored, { image: 'default' });
  assert.match(JSON.stringify(explored), /image «go», which this server does not offer/);
});

test('without what a setup was to install, a check could not run', async () => {
  const repository = await createRepository('acme/unchecked', files);
  const outcome = await bench.run({
    repository,
    request: { setup: ['exit 3'], checks: ['node_modules/.bin/dep'] },
    turns: script('echo more >>README.md'),
  });
  assert.partialDeepStrictEqual(outcome.last, {
    checks: [{ command: 'node_modules/.bin/dep', verdict: 'could_not_run' }],
  });
});

test('a setup that fails is told, the commands behind it do not run, and the agent goes on', async () => {
  const repository = await createRepository('acme/failing', files);
  const outcome = await bench.run({
    repository,
    request: { setup: ['echo no such package >&2; exit 3', 'touch second'] },
    turns: script('[ ! -e second ] && echo more >>README.md'),
  });
  assert.deepEqual(setupOf(outcome), [
    'started echo no such package >&2; exit 3',
    {
      ...{ command: 'echo no such package >&2; exit 3', exitCode: 3 },
      ...{ output: 'no such package', cached: false },
    },
  ]);
  assert.partialDeepStrictEqual(outcome.last, { type: 'Result', status: 'succeeded' });
});

test('a sandbox that is lost is replaced by one that is set up, and has the agent’s changes', async () => {
  const repository = await createRepository('acme/lost', files);
  const outcome = await bench.run({
    repository,
    request: { setup },
    turns: [
      { reply: [call('bash', { command: 'echo mine >mine.txt' })] },
      // The container's first process ends it.
      { expect: /exit code 0/, reply: [call('bash', { command: 'kill 1; sleep 60' })] },
      { expect: /The sandbox was lost: .* The setup commands have run in the new one\./s, reply: useIt },
      { expect: /exit code 0/, reply: [done] },
    ],
  });
  assert.equal(outcome.events.filter(({ type }) => type === 'Sandbox: Lost').length, 1);
  assert.deepEqual(setupOf(outcome), [...ran, ...taken]);
  assert.partialDeepStrictEqual(outcome.last, { type: 'Result', status: 'succeeded', filesChanged: 2 });
});

test('the model is told from the start that a setup has failed', async () => {
  await using system = await startSystem({ scenarios: [quick], settings: { DATA_DIR: directory } });
  const job = await system.start(quickPrompt, { setup: ['exit 3'] });
  assert.partialDeepStrictEqual(await job.end(), { type: 'Result', status: 'succeeded' });
  const asked = system.model.requests.map((request) => JSON.stringify(request));
  assert.equal(asked.length, 2);
  for (const request of asked) assert.match(request, /The setup command «exit 3» ended with exit code 3\./);
});

test('a server that dies while a setup runs is followed by one that begins it anew, in another sandbox', async () => {
  const [first = assert.fail()] = use;
  await using system = await startSystem({
    scenarios: [
      { name: 'use', when: quickPrompt, turns: [{ ...first }, { expect: /exit code 0/, reply: [done] }] },
    ],
    settings: { DATA_DIR: path.join(directory, 'restarted') },
  });
  // Of two that run at once, one would see what the other one has made.
  const slow = '[ ! -e half ] && touch half && sleep 8 && rm half';
  const simple =
    'mkdir -p node_modules/.bin ~/.cache/dep && ln -s /bin/date node_modules/.bin/dep && date >~/.cache/dep/made-at';
  const job = await system.start(quickPrompt, { setup: [slow, simple] });
  await job.until('Setup: Started');
  await sleep(1500);
  await system.restart('SIGKILL');
  job.leave();
  const response = await fetch(`${system.server.url}/jobs/${job.id}/events`);
  const events = await Array.fromAsync(eventsOf(response));
  assert.partialDeepStrictEqual(events.at(-1), { type: 'Result', status: 'succeeded' });
  assert.deepEqual(
    events.flatMap((event) => (event.type === 'Setup: Finished' ? [[event.command, event.exitCode]] : [])),
    [
      [slow, 0],
      [simple, 0],
    ],
  );
  assert.equal(events.filter(({ type }) => type === 'Sandbox: Starting').length, 2);
});
