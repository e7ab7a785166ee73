import type { Withdrawn } from '../domain/github.ts';
import type { Base } from '../domain/repository.ts';
import type { Api } from './api.ts';
import { attempt } from './attempts.ts';
import { pullRequestsOf } from './pull-request.ts';
import { headOf } from './resolve-base.ts';

/**
 * Takes back what a job has published. The pull request first: without its branch GitHub would close it, too, but one
 * whose branch has to stay must not stay open. Between the look at the branch and its deletion a commit of somebody
 * else’s may come: GitHub’s API knows no deletion of «this branch at this commit».
 */
export const withdraw = (
  api: Api,
  base: Base,
  branch: string,
  ours: string,
  signal: AbortSignal,
): Promise<Withdrawn> =>
  attempt(async () => {
    const closed = await closePullRequest(api, base, branch, signal);
    const branchDeleted = await deleteBranch(api, base, branch, ours, signal);
    return { branchDeleted, ...(closed === undefined ? {} : { closed }) };
  }, signal);

/** The address of the pull request that is closed now; undefined when there is none, or it was merged. */
const closePullRequest = async (
  api: Api,
  base: Base,
  branch: string,
  signal: AbortSignal,
): Promise<string | undefined> => {
  const { owner, name: repo } = base.repository;
  const pulls = await pullRequestsOf(api, base, branch, signal);
  const open = pulls.find(({ state }) => state === 'open');
  if (open === undefined) return pulls.find(({ merged_at: mergedAt }) => mergedAt === null)?.html_url;
  await api.change(
    (rest, request) => rest.pulls.update({ owner, repo, pull_number: open.number, state: 'closed', request }),
    signal,
  );
  return open.html_url;
};

const deleteBranch = async (
  api: Api,
  base: Base,
  branch: string,
  ours: string,
  signal: AbortSignal,
): Promise<boolean> => {
  const { owner, name: repo } = base.repository;
  const head = await headOf(api, base.repository, branch, signal);
  if (head === undefined) return true;
  if (head !== base.commit && head !== ours) return false;
  const deleted = await api.change(
    (rest, request) => rest.git.deleteRef({ owner, repo, ref: `heads/${branch}`, request }),
    signal,
    [422],
  );
  // A 422 says that it is gone already, or that a rule protects it.
  return deleted.ok || (await headOf(api, base.repository, branch, signal)) === undefined;
};
