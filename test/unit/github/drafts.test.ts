import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../../support/forge/faults.ts';
import { never, type Scene, setUp, setUpBranch } from './set-up.ts';

const branch = 'backspace/job-1';
const text = { title: 'Change it', body: 'It is changed.', draft: true };

const shown = ({ forge }: Scene) =>
  forge.pullRequests('acme/shop').map(({ title, draft, state }) => ({ title, draft, state }));

const posts = ({ forge }: Scene): (number | undefined)[] =>
  forge.requests.flatMap(({ method, status }) => (method === 'POST' ? [status] : []));

/** The nth POST, counted from 1, meets the fault. */
const strike = ({ forge }: Scene, nth: number, fault: Fault): void => {
  let seen = 0;
  forge.intercept(({ method }) => {
    if (method === 'POST') seen += 1;
    return method === 'POST' && seen === nth ? fault : undefined;
  });
};

test('a draft is created once and found ever after', async () => {
  await using scene = await setUp();
  const { base } = await setUpBranch(scene, branch);
  const expected = {
    url: `${scene.forge.url}/acme/shop/pull/1`,
    number: 1,
    title: 'Change it',
    draft: true,
    additions: 2,
    deletions: 0,
  };
  assert.deepEqual(await scene.github.createPullRequest(base, branch, text, never), expected);
  assert.deepEqual(await scene.github.createPullRequest(base, branch, text, never), expected);
  assert.deepEqual(posts(scene), [201]);
  assert.deepEqual(scene.forge.violations, []);
});

test('where GitHub takes no drafts an ordinary one says in its title that it is not verified', async () => {
  await using scene = await setUp(undefined, { takesNoDrafts: true });
  const { base } = await setUpBranch(scene, branch);
  const made = await scene.github.createPullRequest(base, branch, text, never);
  assert.partialDeepStrictEqual(made, { number: 1, title: '[unverified] Change it', draft: false });
  assert.deepEqual(posts(scene), [422, 201]);
  assert.deepEqual(await scene.github.createPullRequest(base, branch, text, never), made);
  assert.deepEqual(shown(scene), [{ title: '[unverified] Change it', draft: false, state: 'open' }]);
  assert.deepEqual(posts(scene), [422, 201]);
  assert.deepEqual(scene.forge.violations, []);
});

test('an ordinary pull request is none the worse where GitHub takes no drafts', async () => {
  await using scene = await setUp(undefined, { takesNoDrafts: true });
  const { base } = await setUpBranch(scene, branch);
  await scene.github.createPullRequest(base, branch, { ...text, draft: false }, never);
  assert.deepEqual(shown(scene), [{ title: 'Change it', draft: false, state: 'open' }]);
  assert.deepEqual(posts(scene), [201]);
});

for (const [what, fault] of [
  ['lost', { afterwards: 'drop' }],
  ['never given', { instead: 'drop' }],
  ['a 502', { status: 502 }],
] as const) {
  for (const nth of [1, 2]) {
    test(`there is one pull request when the answer to request ${nth} is ${what}, where GitHub takes no drafts`, async () => {
      await using scene = await setUp(undefined, { takesNoDrafts: true });
      const { base } = await setUpBranch(scene, branch);
      strike(scene, nth, fault);
      const made = await scene.github.createPullRequest(base, branch, text, never);
      assert.equal(made.title, '[unverified] Change it');
      assert.deepEqual(shown(scene), [{ title: '[unverified] Change it', draft: false, state: 'open' }]);
    });
  }
}

test('whoever comes second finds the draft of the first, whose list lags behind', async () => {
  await using scene = await setUp();
  const { base } = await setUpBranch(scene, branch);
  const first = await scene.github.createPullRequest(base, branch, text, never);
  let staleAnswers = 1;
  scene.forge.intercept(({ method, path }) => {
    if (method !== 'GET' || !path.endsWith('/pulls') || staleAnswers === 0) return undefined;
    staleAnswers -= 1;
    return { status: 200, body: [] };
  });
  assert.deepEqual(await scene.github.createPullRequest(base, branch, text, never), first);
  assert.deepEqual(posts(scene), [201, 422]);
  assert.deepEqual(shown(scene), [{ title: 'Change it', draft: true, state: 'open' }]);
});

test('any other refusal of a draft is none of drafts', async () => {
  await using scene = await setUp();
  const { base } = await setUpBranch(scene, branch);
  const body = { message: 'Validation Failed', errors: [{ message: 'The title is not to our liking.' }] };
  scene.forge.intercept(({ method }) => (method === 'POST' ? { status: 422, body } : undefined));
  await assert.rejects(scene.github.createPullRequest(base, branch, text, never), {
    code: 'publish_failed',
    message: /did not create the pull request: .*not to our liking/,
  });
  assert.deepEqual(shown(scene), []);
});
