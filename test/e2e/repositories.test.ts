import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, test } from 'node:test';
import { done, type Outcome, script, startJobBench } from '../support/job-bench.ts';
import { call } from '../support/model/scenario.ts';
import { assertNothingPublished, publicationOf } from '../support/publication.ts';

const bench = await startJobBench();
after(() => bench[Symbol.asyncDispose]());
const { forge } = bench;

const readMe = { 'README.md': '# Shop\n', 'src/app.js': 'export const price = 1;\n' };

test('workflows and actions are left out, and stream, result and pull request say so', async () => {
  const workflow = 'on: push\n';
  const repository = await forge.createRepository('acme/workflows', {
    files: { ...readMe, '.github/workflows/ci.yml': workflow, '.github/workflows/old.yml': workflow },
  });
  const outcome = await bench.run({
    repository,
    turns: script(`
      echo 'jobs: {}' >>.github/workflows/ci.yml && rm .github/workflows/old.yml
      mkdir -p .github/actions/leak && echo 'runs: {}' >.github/actions/leak/action.yml
      echo 'Write tests.' >.github/CONTRIBUTING.md`),
  });
  const { changes, result, pullRequest } = await publicationOf(forge, repository, outcome);
  const paths = ['.github/actions/leak/action.yml', '.github/workflows/ci.yml', '.github/workflows/old.yml'];
  const reason = 'workflows and actions are not changed by the agent';
  const leftOut = paths.map((path) => ({ path, reason }));
  const committed = outcome.events.find(({ type }) => type === 'Git: Commit');
  assert(committed?.type === 'Git: Commit');
  assert.deepEqual(
    { changes, files: committed.files, said: [inOrder(committed.leftOut), inOrder(result.leftOut)] },
    {
      changes: { '.github/CONTRIBUTING.md': 'A 100644' },
      files: [{ path: '.github/CONTRIBUTING.md', status: 'added' }],
      said: [leftOut, leftOut],
    },
  );
  for (const path of paths)
    assert(pullRequest.body?.includes(`\`${path}\`: ${reason}`), pullRequest.body ?? '');
});

test('a job that changes nothing but workflows has nothing to publish, and says what it left out', async () => {
  const repository = await forge.createRepository('acme/only-workflows', { files: readMe });
  const outcome = await bench.run({
    repository,
    turns: script('mkdir -p .github/workflows && echo "on: push" >.github/workflows/ci.yml'),
  });
  assertNothingToChange(outcome, [
    { path: '.github/workflows/ci.yml', reason: 'workflows and actions are not changed by the agent' },
  ]);
  await assertNothingPublished(forge, repository);
});

test('what the agent only made for itself is left out, what the base has of it is changed, and all are told', async () => {
  const repository = await forge.createRepository('acme/untidy', {
    files: { ...readMe, 'package.json': '{}\n', 'logs/kept.log': 'old\n' },
  });
  const outcome = await bench.run({
    repository,
    turns: script(`
      mkdir -p node_modules/a src/__pycache__ && echo x | tee node_modules/a/index.js node_modules/a/b.js src/__pycache__/a.pyc
      echo x | tee test.log fix.patch scratch.js src/app.js.orig && echo new >logs/kept.log && rm README.md
      echo 'export const rate = 2;' >src/rate.js`),
  });
  const { changes, result, pullRequest } = await publicationOf(forge, repository, outcome);
  const leftOut = {
    'fix.patch': 'a patch',
    'node_modules/': 'installed packages',
    'scratch.js': 'scratch',
    'src/__pycache__/': 'a cache',
    'src/app.js.orig': 'left by a patch or an editor',
    'test.log': 'a log',
  };
  assert.deepEqual(
    { changes, leftOut: Object.fromEntries(result.leftOut.map(({ path, reason }) => [path, reason])) },
    {
      changes: { 'README.md': 'D 100644', 'logs/kept.log': 'M 100644', 'src/rate.js': 'A 100644' },
      leftOut,
    },
  );
  for (const [path, reason] of Object.entries(leftOut))
    assert(pullRequest.body?.includes(`- \`${path}\`: ${reason}\n`), pullRequest.body ?? '');
});

test('a job that only leaves packages behind has nothing to publish, and says so', async () => {
  const repository = await forge.createRepository('acme/only-packages', { files: readMe });
  const outcome = await bench.run({
    repository,
    turns: script('mkdir -p node_modules/a && echo x >node_modules/a/index.js'),
  });
  assertNothingToChange(outcome, [{ path: 'node_modules/', reason: 'installed packages' }]);
  await assertNothingPublished(forge, repository);
});

test('a job that changes nothing in the end has neither branch nor pull request', async () => {
  const repository = await forge.createRepository('acme/nothing', { files: readMe });
  const outcome = await bench.run({
    repository,
    turns: script(`
      echo more >>README.md && git commit --quiet -am 'For a moment'
      git revert --no-edit HEAD && touch src/app.js && mkdir -p an/empty/directory`),
  });
  assertNothingToChange(outcome, []);
  await assertNothingPublished(forge, repository);
});

test('when the default branch moves on meanwhile, the pull request stands on the old base', async () => {
  const repository = await forge.createRepository('acme/moving', { files: readMe });
  const start = await repository.git('rev-parse', 'main');
  const later = await repository.commit({ 'src/app.js': 'export const price = 9;\n' }, 'Later', 'later');
  const moveOn = () =>
    execFileSync('git', ['-C', repository.directory, 'update-ref', 'refs/heads/main', later]);
  const outcome = await bench.run({
    repository,
    turns: [
      {
        reply: () => {
          moveOn();
          return [call('bash', { command: 'echo more >>README.md' })];
        },
      },
      { expect: /exit code 0/, reply: [done] },
    ],
  });
  const { base, changes, pullRequest } = await publicationOf(forge, repository, outcome);
  assert.deepEqual(
    { base, changes, into: pullRequest.base, main: await repository.git('rev-parse', 'main') },
    { base: start, changes: { 'README.md': 'M 100644' }, into: 'main', main: later },
  );
});

test('another base branch than the default one, with slashes and signs in its name', async () => {
  const repository = await forge.createRepository('acme/branches', { files: readMe });
  const baseBranch = 'release/2.x/näxt#1';
  const tip = await repository.commit({ 'only-here.md': 'Here\n' }, 'Release', baseBranch);
  const outcome = await bench.run({
    repository,
    baseBranch,
    turns: script('echo more >>only-here.md && git status'),
  });
  const { base, changes, pullRequest } = await publicationOf(forge, repository, outcome);
  assert.deepEqual(
    { base, changes, into: pullRequest.base },
    { base: tip, changes: { 'only-here.md': 'M 100644' }, into: baseBranch },
  );
});

test('a renamed repository is worked on under its new name', async () => {
  const repository = await forge.createRepository('acme/before', { files: readMe });
  const repoUrl = `${forge.url}/acme/before`;
  forge.renameRepository('acme/before', 'acme-inc/after');
  const outcome = await bench.run({ repository, repoUrl, turns: script('echo more >>README.md') });
  const { pullRequest, changes } = await publicationOf(forge, repository, outcome);
  assert.deepEqual(
    { url: pullRequest.htmlUrl, changes },
    { url: `${forge.url}/acme-inc/after/pull/1`, changes: { 'README.md': 'M 100644' } },
  );
});

const assertNothingToChange = ({ last }: Outcome, leftOut: { path: string; reason: string }[]): void => {
  assert(last.type === 'Result', JSON.stringify(last));
  const { status, prUrl, filesChanged, saved } = last;
  assert.deepEqual(
    { status, prUrl, filesChanged, saved, leftOut: last.leftOut },
    { status: 'nothing_to_change', prUrl: null, filesChanged: 0, saved: {}, leftOut },
  );
};

const inOrder = <T extends { path: string }>(items: readonly T[]): T[] =>
  items.toSorted((a, b) => (a.path < b.path ? -1 : 1));
