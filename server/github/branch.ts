import { AppError } from '../domain/errors.ts';
import type { Base } from '../domain/repository.ts';
import type { Api } from './api.ts';
import { attempt, Unclear } from './attempts.ts';
import { headOf } from './resolve-base.ts';

/**
 * Creates the branch at the base commit before anything is pushed, so that the push finds its merge base there. An
 * earlier attempt of this job may have made it already, and even pushed `ours`; anything else is somebody else's.
 */
export const createBranch = (
  api: Api,
  base: Base,
  branch: string,
  ours: string,
  signal: AbortSignal,
): Promise<void> =>
  attempt(async () => {
    const { owner, name: repo } = base.repository;
    const ref = `refs/heads/${branch}`;
    const made = await api.change(
      (rest, request) => rest.git.createRef({ owner, repo, ref, sha: base.commit, request }),
      signal,
      [422],
    );
    if (made.ok) return;
    const head = await headOf(api, base.repository, branch, signal);
    if (head === undefined) {
      throw new Unclear('publish_failed', `GitHub did not create the branch «${branch}»: ${made.message}`);
    }
    if (head !== base.commit && head !== ours) throw squatted(branch, head);
  }, signal);

export const squatted = (branch: string, head: string): AppError =>
  new AppError('branch_squatted', `The branch «${branch}» has a commit that is not this job’s: ${head}.`, {
    whatToDo: 'Delete or rename that branch on GitHub, then send the job again.',
  });
