import assert from 'node:assert/strict';
import type { Combination } from './combination.ts';
import type { Outcome } from './live.ts';
import { title } from './work.ts';
import type { World } from './world.ts';

/** Whatever has struck: the servers ended as foreseen, and the forge has what they say, once. */
export const assertHeld = async (
  world: World,
  combination: Combination,
  outcomes: readonly Outcome[],
): Promise<void> => {
  const ends = outcomes.map(({ end }) => end);
  const expected = combination.lives.map((life) => life.ends);
  assert.deepEqual(ends, expected, outcomes.map(({ message }) => message).join(' '));
  const published = outcomes.filter(({ end }) => end === 'published');
  const commits = new Set(outcomes.flatMap(({ facts }) => facts.flatMap(shaOf)));
  assert.ok(commits.size <= 1, 'the commit is the same each time');
  const [ours] = commits;

  await assertBranch(world, ours, outcomes.length > 0, published.length > 0);
  assertPullRequest(world, ours, published.length > 0);
  for (const outcome of published) assertTold(world, ours, outcome);
  const { forge, repository } = world;
  const violations = forge.violations.filter((sentence) => sentence.includes(`/${repository.fullName}/`));
  assert.deepEqual(violations, []);
};

const shaOf = (fact: Outcome['facts'][number]): string[] => (fact.type === 'Git: Commit' ? [fact.sha] : []);

/**
 * The job’s branch has been nowhere but at the base and then at the job’s one commit, until somebody else moved it: so
 * nothing was forced.
 */
const assertBranch = async (
  world: World,
  ours: string | undefined,
  isTried: boolean,
  isPublished: boolean,
): Promise<void> => {
  const { repository, base, branch, foreign, moved } = world;
  const way = isTried ? [base.commit, ours].filter((commit) => commit !== undefined) : [];
  const history = await historyOf(world);
  const own = history.filter((commit) => !foreign.includes(commit));
  assert.deepEqual(own, isPublished ? way : way.slice(0, own.length), 'where the branch has been');
  assert.deepEqual(history, [...own, ...foreign], 'what others have committed stays');
  if (isPublished) {
    assert.deepEqual(await linesOf(world, 'diff-tree', '-r', '--name-status', ...way), ['M\tREADME.md']);
  }

  const branches = await linesOf(world, 'for-each-ref', '--format=%(refname:short)', 'refs/heads');
  assert.deepEqual(branches, history.length > 0 ? [branch, 'main'] : ['main']);
  // A push that the forge refuses may leave its objects there.
  const known = [base.commit, ours, ...foreign, ...moved];
  const others = (await commitsOf(world)).filter((commit) => !known.includes(commit));
  assert.deepEqual(others, [], 'no other commit has come');
  assert.equal(await repository.git('fsck', '--strict', '--no-dangling'), '');
};

/** A server that failed may have made it, too, but never where somebody else’s commit came first. */
const assertPullRequest = (
  { forge, repository, branch, foreign, isClosed }: World,
  ours: string | undefined,
  isPublished: boolean,
): void => {
  const pulls = forge.pullRequests(repository.fullName).map((pull) => ({
    number: pull.number,
    head: pull.head,
    headSha: pull.headSha,
    state: pull.state,
    title: pull.title,
  }));
  const one = { number: 1, head: branch, headSha: ours, state: isClosed ? 'closed' : 'open', title };
  const isNone = !isPublished && (pulls.length === 0 || foreign.length > 0);
  assert.deepEqual(pulls, isNone ? [] : [one]);
};

/** What a server has told its job. */
const assertTold = (
  { forge, repository, branch }: World,
  commit: string | undefined,
  { facts, saved }: Outcome,
): void => {
  const types = facts.map(({ type }) => type);
  assert.deepEqual(types, ['Git: Branch', 'Git: Commit', 'Git: Push', 'PR: Created']);
  assert.deepEqual(saved, { branch, commit, prUrl: `${forge.url}/${repository.fullName}/pull/1` });
};

/** Every commit that the job’s branch has ever pointed at, the first one first. */
const historyOf = async (world: World): Promise<string[]> => {
  const ref = `refs/heads/${world.branch}`;
  const isThere = (await linesOf(world, 'for-each-ref', ref)).length > 0;
  return isThere ? (await linesOf(world, 'log', '--walk-reflogs', '--format=%H', ref)).toReversed() : [];
};

const commitsOf = async (world: World): Promise<string[]> => {
  const objects = await linesOf(
    world,
    'cat-file',
    '--batch-all-objects',
    '--batch-check=%(objecttype) %(objectname)',
  );
  return objects.flatMap((line) => (line.startsWith('commit ') ? [line.slice(7)] : []));
};

const linesOf = async ({ repository }: World, ...args: string[]): Promise<string[]> =>
  (await repository.git(...args)).split('\n').filter((line) => line !== '');
