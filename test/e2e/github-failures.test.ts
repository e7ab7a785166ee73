import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, afterEach, test } from 'node:test';
import type { Fault } from '../support/forge/faults.ts';
import type { ForgeRepository } from '../support/forge/forge.ts';
import { type Outcome, script, startJobBench } from '../support/job-bench.ts';
import { assertNothingPublished, publicationOf } from '../support/publication.ts';
import { requestPatterns } from '../support/publish-faults/requests.ts';

const bench = await startJobBench();
after(() => bench[Symbol.asyncDispose]());
const { forge } = bench;
afterEach(() => forge.intercept(undefined));

const files = { 'README.md': '# Shop\n' };
const turns = script('echo more >>README.md');
const changes = { 'README.md': 'M 100644' };

test('a repository that is not there is not found, before any sandbox', async () => {
  const repository = await forge.createRepository('acme/there', { files });
  const outcome = await bench.run({ repository, turns, repoUrl: `${forge.url}/acme/not-there` });
  assertRefused(outcome, 'repository_not_found', /acme\/not-there/);
});

test('an empty repository says so, before any sandbox', async () => {
  const repository = await forge.createRepository('acme/empty', { empty: true });
  assertRefused(await bench.run({ repository, turns }), 'repository_empty', /acme\/empty/);
});

test('a branch that is not there is not found, before any sandbox', async () => {
  const repository = await forge.createRepository('acme/no-branch', { files });
  const outcome = await bench.run({ repository, turns, baseBranch: 'feature/gone' });
  assertRefused(outcome, 'branch_not_found', /«feature\/gone»/);
});

test('an archived repository is refused, before any sandbox', async () => {
  const repository = await forge.createRepository('acme/archived', { files });
  const answer = await fetch(`${forge.apiUrl}/repos/acme/archived`);
  const body = { ...((await answer.json()) as object), archived: true };
  forge.intercept(({ path }) => (path === '/api/repos/acme/archived' ? { status: 200, body } : undefined));
  assertRefused(await bench.run({ repository, turns }), 'publish_failed', /archived/);
});

test('a token that GitHub does not know is named, before any sandbox', async () => {
  const token = `ghp_${'0'.repeat(36)}`;
  await using other = await startJobBench(() => ({ GITHUB_TOKEN: token }));
  const repository = await other.forge.createRepository('acme/shop', { files });
  const outcome = await other.run({ repository, turns });
  assertRefused(outcome, 'github_credentials', /token/);
  assert(!JSON.stringify(outcome.events).includes(token));
});

test('a token that may only read is named, before any sandbox and any model token', async () => {
  await using other = await startJobBench(({ readOnlyToken }) => ({ GITHUB_TOKEN: readOnlyToken }));
  const repository = await other.forge.createRepository('acme/shop', { files });
  assertRefused(
    await other.run({ repository, turns }),
    'github_credentials',
    /may read acme\/.*, but not push/,
  );
  await assertNothingPublished(other.forge, repository);
});

/** The requests of a job that GitHub may fail to answer, in the order in which they come. */
const reads = {
  repository: /^GET \/api\/repos\/[^/]+\/[^/]+$/,
  base: requestPatterns['get ref'],
  branches: requestPatterns['list branches'],
  pulls: requestPatterns['list pulls'],
};
const writes = {
  branch: requestPatterns['create ref'],
  push: requestPatterns.push,
  pull: requestPatterns['create pull'],
};

test('when GitHub fails each request once, there is one branch and one pull request in the end', async () => {
  const repository = await forge.createRepository('acme/stumbles', { files });
  const struck = strikeEachOnce({ ...reads, ...writes }, { status: 502 });
  const outcome = await bench.run({ repository, turns });
  const publication = await publicationOf(forge, repository, outcome);
  assert.deepEqual(publication.changes, changes);
  assert.deepEqual(struck(), Object.keys({ ...reads, ...writes }).toSorted());
  await assertOneOfEach(repository);
});

test('when the connection breaks after each request was accepted, nothing is done twice', async () => {
  const repository = await forge.createRepository('acme/silent', { files });
  const struck = strikeEachOnce(writes, { afterwards: 'drop' });
  const outcome = await bench.run({ repository, turns });
  const publication = await publicationOf(forge, repository, outcome);
  assert.deepEqual(publication.changes, changes);
  assert.deepEqual(struck(), Object.keys(writes).toSorted());
  await assertOneOfEach(repository);
});

test('when GitHub goes on failing, the job says so and tells what is saved', async () => {
  const repository = await forge.createRepository('acme/down', { files });
  forge.intercept(({ method, path }) =>
    method === 'POST' && path.endsWith('/pulls') ? { status: 503 } : undefined,
  );
  const { last, jobId } = await bench.run({ repository, turns });
  assert(last.type === 'Error', JSON.stringify(last));
  const branch = `backspace/${jobId}`;
  const commit = await repository.git('rev-parse', `refs/heads/${branch}`);
  assert.deepEqual(
    { code: last.code, saved: last.saved },
    { code: 'github_failed', saved: { branch, commit } },
  );
  assert.deepEqual(forge.pullRequests('acme/down'), []);
});

test('a fetch that GitHub refuses or breaks off fails as a clone', async () => {
  const repository = await forge.createRepository('acme/no-fetch', { files });
  for (const fault of [{ status: 503 }, { instead: 'drop' }] satisfies Fault[]) {
    forge.intercept(({ path }) => (path.endsWith('/git-upload-pack') ? fault : undefined));
    const { last } = await bench.run({ repository, turns });
    assert(last.type === 'Error', JSON.stringify(last));
    assert.deepEqual({ code: last.code, saved: last.saved }, { code: 'clone_failed', saved: {} });
  }
  await assertNothingPublished(forge, repository);
});

test('somebody else’s commit on the job’s branch is never pushed over', async () => {
  const repository = await forge.createRepository('acme/squatted', { files });
  const foreign = await repository.commit({ 'foreign.md': 'Mine\n' }, 'Mine', 'foreign');
  let branch = '';
  forge.intercept(({ method, path, query }) => {
    if (!writes.push.test(`${method} ${path}`) && !reads.branches.test(`${method} ${path}?${query}`))
      return undefined;
    const refs = execFileSync('git', ['-C', repository.directory, 'for-each-ref', '--format=%(refname)'], {
      encoding: 'utf8',
    });
    branch = /refs\/heads\/backspace\/\w+/.exec(refs)?.[0] ?? '';
    execFileSync('git', ['-C', repository.directory, 'update-ref', branch, foreign]);
    return undefined;
  });
  const { last } = await bench.run({ repository, turns });
  assert(last.type === 'Error', JSON.stringify(last));
  assert.equal(last.code, 'branch_squatted');
  assert.equal(await repository.git('rev-parse', branch), foreign);
  assert.deepEqual(forge.pullRequests('acme/squatted'), []);
});

const assertRefused = ({ events, last }: Outcome, code: string, message: RegExp): void => {
  assert(last.type === 'Error', JSON.stringify(last));
  assert.deepEqual(
    { code: last.code, saved: last.saved, turns: last.usage.turns },
    { code, saved: {}, turns: 0 },
  );
  assert.match(last.message, message);
  assert(last.whatToDo.length > 20);
  assert(!events.some(({ type }) => type.startsWith('Sandbox')));
};

/** Strikes the first request of each kind; tells which kinds have come. */
const strikeEachOnce = (kinds: Record<string, RegExp>, fault: Fault): (() => string[]) => {
  const struck = new Set<string>();
  forge.intercept(({ method, path, query }) => {
    const request = `${method} ${path}${query === '' ? '' : `?${query}`}`;
    const kind = Object.keys(kinds).find((name) => kinds[name]?.test(request));
    if (kind === undefined || struck.has(kind)) return undefined;
    struck.add(kind);
    return fault;
  });
  return () => [...struck].toSorted();
};

const assertOneOfEach = async (repository: ForgeRepository): Promise<void> => {
  const branches = await repository.git('for-each-ref', '--format=%(refname:short)', 'refs/heads');
  assert.match(branches, /^backspace\/\w+\nmain$/);
  assert.equal(forge.pullRequests(repository.fullName).length, 1);
};
