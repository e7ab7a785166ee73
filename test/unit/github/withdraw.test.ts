import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Base } from '../../../server/domain/repository.ts';
import type { Fault } from '../../support/forge/faults.ts';
import { never, type Scene, setUp, setUpBranch, shop } from './set-up.ts';

const branch = 'backspace/job-1';
const text = { title: 'Change it', body: 'It is changed.', draft: false };

type Published = { scene: Scene; base: Base; commit: string; url: string };

/** A branch with one commit, and its pull request. */
const publish = async (scene: Scene): Promise<Published> => {
  const { base, commit } = await setUpBranch(scene, branch);
  const { url } = await scene.github.createPullRequest(base, branch, text, never);
  return { scene, base, commit, url };
};

const whatIsThere = async ({ forge, repository }: Scene) => ({
  branches: (await repository.git('for-each-ref', '--format=%(refname:short)', 'refs/heads')).split('\n'),
  pulls: forge.pullRequests('acme/shop').map(({ head, state }) => `${head} ${state}`),
});

const changesSince = ({ forge }: Scene, requests: number): string[] =>
  forge.requests.slice(requests).flatMap(({ method }) => (method === 'GET' ? [] : [method]));

/** The first request with this method meets the fault. */
const strike = ({ forge }: Scene, method: string, fault: Fault): void => {
  let isStruck = false;
  forge.intercept((request) => {
    if (request.method !== method || isStruck) return undefined;
    isStruck = true;
    return fault;
  });
};

test('the pull request is closed and the branch deleted, and doing it again changes nothing', async () => {
  await using scene = await setUp();
  const { base, commit, url } = await publish(scene);
  const withdrawn = { branchDeleted: true, closed: url };
  assert.deepEqual(await scene.github.withdraw(base, branch, commit, never), withdrawn);
  const there = { branches: ['main'], pulls: [`${branch} closed`] };
  assert.deepEqual(await whatIsThere(scene), there);
  const requests = scene.forge.requests.length;
  assert.deepEqual(await scene.github.withdraw(base, branch, commit, never), withdrawn);
  assert.deepEqual(await whatIsThere(scene), there);
  assert.deepEqual(changesSince(scene, requests), []);
  assert.deepEqual(scene.forge.violations, []);
});

test('a branch that is still at the base is deleted', async () => {
  await using scene = await setUp();
  const base = await scene.github.resolveBase(shop, undefined, never);
  const ours = 'f'.repeat(40);
  await scene.github.createBranch(base, branch, ours, never);
  assert.deepEqual(await scene.github.withdraw(base, branch, ours, never), { branchDeleted: true });
  assert.deepEqual(await whatIsThere(scene), { branches: ['main'], pulls: [] });
});

test('where nothing was published nothing is changed', async () => {
  await using scene = await setUp();
  const base = await scene.github.resolveBase(shop, undefined, never);
  const withdrawn = await scene.github.withdraw(base, branch, 'f'.repeat(40), never);
  assert.deepEqual(withdrawn, { branchDeleted: true });
  assert.deepEqual(changesSince(scene, 0), []);
});

test('somebody else’s commit keeps the branch, without its pull request', async () => {
  await using scene = await setUp();
  const { base, commit, url } = await publish(scene);
  const theirs = await scene.repository.commit({ theirs: 'theirs\n' }, 'Theirs', branch);
  assert.deepEqual(await scene.github.withdraw(base, branch, commit, never), {
    branchDeleted: false,
    closed: url,
  });
  assert.equal(await scene.repository.git('rev-parse', branch), theirs);
  assert.deepEqual((await whatIsThere(scene)).pulls, [`${branch} closed`]);
});

test('other branches and their pull requests are left alone', async () => {
  await using scene = await setUp();
  const { base, commit } = await publish(scene);
  await scene.repository.commit({ 'other.txt': 'other\n' }, 'Other', 'other');
  await scene.github.createPullRequest(base, 'other', text, never);
  await scene.github.withdraw(base, branch, commit, never);
  assert.deepEqual(await whatIsThere(scene), {
    branches: ['main', 'other'],
    pulls: [`${branch} closed`, 'other open'],
  });
});

test('a pull request that was merged is none that was withdrawn', async () => {
  await using scene = await setUp();
  const { base, commit } = await publish(scene);
  const headers = { authorization: `Bearer ${scene.forge.token}` };
  const listed = await fetch(`${scene.forge.apiUrl}/repos/acme/shop/pulls?state=all`, { headers });
  const body = ((await listed.json()) as object[]).map((pull) => ({
    ...pull,
    ...{ state: 'closed', merged_at: '2026-01-02T03:04:05Z' },
  }));
  scene.forge.intercept(({ method, path }) =>
    method === 'GET' && path.endsWith('/pulls') ? { status: 200, body } : undefined,
  );
  assert.deepEqual(await scene.github.withdraw(base, branch, commit, never), { branchDeleted: true });
  assert.deepEqual(
    changesSince(scene, 0).filter((method) => method === 'PATCH'),
    [],
  );
});

for (const method of ['PATCH', 'DELETE']) {
  for (const [name, fault] of Object.entries({
    'whose answer is lost': { afterwards: 'drop' },
    'that is not answered': { instead: 'drop' },
    'answered with a 502': { status: 502 },
  } satisfies Record<string, Fault>)) {
    test(`a ${method} ${name} is done in the end`, async () => {
      await using scene = await setUp();
      const { base, commit, url } = await publish(scene);
      strike(scene, method, fault);
      assert.deepEqual(await scene.github.withdraw(base, branch, commit, never), {
        branchDeleted: true,
        closed: url,
      });
      assert.deepEqual(await whatIsThere(scene), { branches: ['main'], pulls: [`${branch} closed`] });
    });
  }
}

test('a branch that a rule protects is told', async () => {
  await using scene = await setUp();
  const { base, commit, url } = await publish(scene);
  strike(scene, 'DELETE', { status: 422, body: { message: 'Repository rule violations found' } });
  assert.deepEqual(await scene.github.withdraw(base, branch, commit, never), {
    branchDeleted: false,
    closed: url,
  });
});

test('a pull request that lands afterwards goes with the next withdrawal', async () => {
  await using scene = await setUp();
  const { base, commit } = await setUpBranch(scene, branch);
  let landed = '';
  scene.forge.intercept(async ({ method }) => {
    if (method !== 'DELETE' || landed !== '') return undefined;
    landed = 'on its way';
    landed = (await scene.github.createPullRequest(base, branch, text, never)).url;
    return undefined;
  });
  assert.deepEqual(await scene.github.withdraw(base, branch, commit, never), { branchDeleted: true });
  assert.deepEqual(await scene.github.withdraw(base, branch, commit, never), {
    branchDeleted: true,
    closed: landed,
  });
  assert.deepEqual(await whatIsThere(scene), { branches: ['main'], pulls: [`${branch} closed`] });
});

test('a token that may not do it is named', async () => {
  await using scene = await setUp();
  const { base, commit } = await publish(scene);
  strike(scene, 'PATCH', { status: 403, body: { message: 'Resource not accessible by integration' } });
  await assert.rejects(scene.github.withdraw(base, branch, commit, never), { code: 'github_credentials' });
});
