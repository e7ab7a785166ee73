import assert from 'node:assert/strict';
import { test } from 'node:test';
import { never, type Scene, setUp, setUpBranch, shop } from './set-up.ts';

const branch = 'backspace/job-1';
const ours = 'f'.repeat(40);
const text = { title: 'Change it', body: 'It is changed.', draft: false };

const posts = (scene: Scene): number => scene.forge.requests.filter(({ method }) => method === 'POST').length;

/** The nth POST meets the fault; everything else goes well. */
const strike = (
  scene: Scene,
  fault: { status: number; body?: object } | { afterwards: 'drop' },
  times = 1,
): void => {
  let left = times;
  scene.forge.intercept(({ method }) => {
    if (method !== 'POST' || left === 0) return undefined;
    left -= 1;
    return fault;
  });
};

test('the branch is created at the base', async () => {
  await using scene = await setUp();
  const base = await scene.github.resolveBase(shop, undefined, never);
  await scene.github.createBranch(base, branch, ours, never);
  assert.equal(await scene.repository.git('rev-parse', `refs/heads/${branch}`), base.commit);
  assert.deepEqual(scene.forge.violations, []);
});

test('a branch that is at the base or at our commit already is fine', async () => {
  await using scene = await setUp();
  const { base, commit } = await setUpBranch(scene, branch);
  await scene.github.createBranch(base, branch, commit, never);
  assert.equal(await scene.repository.git('rev-parse', `refs/heads/${branch}`), commit);
  await scene.github.createBranch(base, 'again', ours, never);
  await scene.github.createBranch(base, 'again', ours, never);
  assert.equal(await scene.repository.git('rev-parse', 'refs/heads/again'), base.commit);
});

test('a branch with another commit is somebody else’s', async () => {
  await using scene = await setUp();
  const { base, commit } = await setUpBranch(scene, branch);
  await assert.rejects(scene.github.createBranch(base, branch, ours, never), {
    code: 'branch_squatted',
    message: `The branch «${branch}» has a commit that is not this job’s: ${commit}.`,
  });
  assert.equal(await scene.repository.git('rev-parse', `refs/heads/${branch}`), commit);
});

test('a branch whose creation was not answered, or answered with a 502, is there in the end', async () => {
  for (const fault of [{ afterwards: 'drop' as const }, { status: 502 }]) {
    await using scene = await setUp();
    const base = await scene.github.resolveBase(shop, undefined, never);
    strike(scene, fault);
    await scene.github.createBranch(base, branch, ours, never);
    assert.equal(await scene.repository.git('rev-parse', `refs/heads/${branch}`), base.commit);
  }
});

test('a branch that GitHub has and does not show yet is looked for again', async () => {
  await using scene = await setUp();
  const { base, commit } = await setUpBranch(scene, branch);
  let isStale = true;
  scene.forge.intercept(({ path }) => {
    if (!path.includes('/git/ref/') || !isStale) return undefined;
    isStale = false;
    return { status: 404 };
  });
  await scene.github.createBranch(base, branch, commit, never);
  assert.equal(await scene.repository.git('rev-parse', `refs/heads/${branch}`), commit);
});

test('a base commit that GitHub no longer has is said in GitHub’s words', async () => {
  await using scene = await setUp();
  const base = await scene.github.resolveBase(shop, undefined, never);
  await assert.rejects(scene.github.createBranch({ ...base, commit: ours }, branch, ours, never), {
    code: 'publish_failed',
    message: /did not create the branch .*Object does not exist/,
  });
});

test('a token that may only read cannot create a branch', async () => {
  await using scene = await setUp();
  const base = await scene.github.resolveBase(shop, undefined, never);
  strike(scene, { status: 403, body: { message: 'Resource not accessible by personal access token' } });
  await assert.rejects(scene.github.createBranch(base, branch, ours, never), {
    code: 'github_credentials',
    message: /Resource not accessible by personal access token/,
  });
});

test('a pull request is created once and found ever after', async () => {
  await using scene = await setUp();
  const { base } = await setUpBranch(scene, branch);
  const expected = {
    url: `${scene.forge.url}/acme/shop/pull/1`,
    number: 1,
    title: 'Change it',
    draft: false,
    additions: 2,
    deletions: 0,
  };
  assert.deepEqual(await scene.github.createPullRequest(base, branch, text, never), expected);
  assert.deepEqual(await scene.github.createPullRequest(base, branch, text, never), expected);
  assert.equal(posts(scene), 1);
  const [pull] = scene.forge.pullRequests('acme/shop');
  assert.equal(pull?.body, 'It is changed.');
  assert.equal(pull?.draft, false);
  assert.deepEqual(scene.forge.violations, []);
});

test('a pull request that a person closed is found, not made again', async () => {
  await using scene = await setUp();
  const { base } = await setUpBranch(scene, branch);
  const first = await scene.github.createPullRequest(base, branch, text, never);
  const url = `${scene.forge.apiUrl}/repos/acme/shop/pulls/1`;
  const headers = { authorization: `Bearer ${scene.forge.token}`, 'content-type': 'application/json' };
  await fetch(url, { method: 'PATCH', headers, body: JSON.stringify({ state: 'closed' }) });
  assert.deepEqual(await scene.github.createPullRequest(base, branch, text, never), first);
  assert.deepEqual(
    scene.forge.pullRequests('acme/shop').map(({ state }) => state),
    ['closed'],
  );
});

test('a pull request whose answer was lost is found, not made again', async () => {
  await using scene = await setUp();
  const { base } = await setUpBranch(scene, branch);
  strike(scene, { afterwards: 'drop' });
  assert.equal((await scene.github.createPullRequest(base, branch, text, never)).number, 1);
  assert.equal(scene.forge.pullRequests('acme/shop').length, 1);
  assert.equal(posts(scene), 1);
});

test('a cancel and a lost answer together do not hide a pull request', async () => {
  await using scene = await setUp();
  const { base } = await setUpBranch(scene, branch);
  const cancel = new AbortController();
  scene.forge.intercept(({ method }) => {
    if (method !== 'POST') return undefined;
    cancel.abort(new Error('cancelled'));
    return { afterwards: 'drop' };
  });
  const { number } = await scene.github.createPullRequest(base, branch, text, cancel.signal);
  assert.deepEqual([number, scene.forge.pullRequests('acme/shop').length, posts(scene)], [1, 1, 1]);
});

test('a cancel before the pull request is asked for makes none', async () => {
  await using scene = await setUp();
  const { base } = await setUpBranch(scene, branch);
  const cancel = new AbortController();
  scene.forge.intercept(({ path }) => {
    if (path.endsWith('/pulls')) cancel.abort(new Error('cancelled'));
    return undefined;
  });
  await assert.rejects(scene.github.createPullRequest(base, branch, text, cancel.signal), /cancelled/);
  assert.deepEqual([scene.forge.pullRequests('acme/shop'), posts(scene)], [[], 0]);
});

test('an answer that takes longer than allowed is found out the same way', async () => {
  await using scene = await setUp(undefined, { limits: { apiTimeoutMs: 1_000 } });
  const { base } = await setUpBranch(scene, branch);
  let slow = true;
  scene.forge.intercept(({ method }) => {
    if (method !== 'POST' || !slow) return undefined;
    slow = false;
    return { delayMs: 1_200 };
  });
  assert.equal((await scene.github.createPullRequest(base, branch, text, never)).number, 1);
  assert.equal(scene.forge.pullRequests('acme/shop').length, 1);
});

test('a 502 is followed by a look and another try', async () => {
  await using scene = await setUp();
  const { base } = await setUpBranch(scene, branch);
  strike(scene, { status: 502 });
  assert.equal((await scene.github.createPullRequest(base, branch, text, never)).number, 1);
  assert.equal(posts(scene), 2);
});

test('when GitHub goes on failing the job does', async () => {
  await using scene = await setUp();
  const { base } = await setUpBranch(scene, branch);
  strike(scene, { status: 503, body: { message: 'Unicorn' } }, 100);
  await assert.rejects(scene.github.createPullRequest(base, branch, text, never), {
    code: 'github_failed',
    message: 'GitHub’s API failed with status 503: Unicorn',
  });
  assert.equal(posts(scene), 3);
});

test('a list that lags behind is asked again and again when GitHub says that one exists', async () => {
  await using scene = await setUp();
  const { base } = await setUpBranch(scene, branch);
  const first = await scene.github.createPullRequest(base, branch, text, never);
  let staleAnswers = 3;
  scene.forge.intercept(({ method, path }) => {
    if (method !== 'GET' || !path.endsWith('/pulls') || staleAnswers === 0) return undefined;
    staleAnswers -= 1;
    return { status: 200, body: [] };
  });
  assert.deepEqual(await scene.github.createPullRequest(base, branch, text, never), first);
  assert.equal(scene.forge.pullRequests('acme/shop').length, 1);
});

test('pull requests of other branches are not taken for ours, even if the filter fails', async () => {
  await using scene = await setUp();
  const { base } = await setUpBranch(scene, branch);
  await scene.repository.commit({ 'other.txt': 'other\n' }, 'Other', 'other');
  await scene.github.createPullRequest(base, 'other', text, never);
  const headers = { authorization: `Bearer ${scene.forge.token}` };
  const all = await (
    await fetch(`${scene.forge.apiUrl}/repos/acme/shop/pulls?state=all`, { headers })
  ).json();
  scene.forge.intercept(({ method, path }) =>
    method === 'GET' && path.endsWith('/pulls') ? { status: 200, body: all as object } : undefined,
  );
  assert.equal((await scene.github.createPullRequest(base, branch, text, never)).number, 2);
});

test('a pull request without any change is refused in GitHub’s words', async () => {
  await using scene = await setUp();
  const base = await scene.github.resolveBase(shop, undefined, never);
  await scene.github.createBranch(base, branch, ours, never);
  await assert.rejects(scene.github.createPullRequest(base, branch, text, never), {
    code: 'publish_failed',
    message: /No commits between main and/,
  });
});

test('whoever has lost the lease of its job changes nothing, and may still look', async () => {
  await using scene = await setUp();
  const { base, commit } = await setUpBranch(scene, branch);
  const lost = new Error('the lease is lost');
  const late = scene.github.withLease(() => Promise.reject(lost));
  const before = posts(scene);
  await assert.rejects(late.createBranch(base, 'late', ours, never), lost);
  await assert.rejects(late.createPullRequest(base, branch, text, never), lost);
  await assert.rejects(late.withdraw(base, branch, commit, never), lost);
  assert.equal((await late.resolveBase(shop, undefined, never)).commit, base.commit);
  assert.equal(posts(scene), before);
});
