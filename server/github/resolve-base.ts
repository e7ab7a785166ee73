import { AppError } from '../domain/errors.ts';
import type { Base, RepositoryName } from '../domain/repository.ts';
import type { Api } from './api.ts';

/** Asks GitHub which commit a job starts from. A renamed repository comes back under its new name. */
export const resolveBase = async (
  api: Api,
  asked: RepositoryName,
  askedBranch: string | undefined,
  signal: AbortSignal,
): Promise<Base> => {
  const found = await api.read(
    (rest, request) => rest.repos.get({ owner: asked.owner, repo: asked.name, request }),
    signal,
    [404, 451],
  );
  const askedName = `${asked.owner}/${asked.name}`;
  if (!found.ok) {
    throw new AppError('repository_not_found', `GitHub shows no repository ${askedName} to this server.`);
  }
  const { data } = found;
  if (data.archived) {
    throw new AppError('publish_failed', `${data.full_name} is archived, so it is read only.`, {
      whatToDo: 'Unarchive the repository on GitHub, or use a fork of it.',
    });
  }
  // GitHub says so only to some tokens: where nothing is said, the push will show it.
  if (data.permissions?.push === false) {
    throw new AppError(
      'github_credentials',
      `The server’s token may read ${data.full_name}, but not push to it.`,
    );
  }
  const repository = { owner: data.owner.login, name: data.name };
  const branch = askedBranch ?? data.default_branch;
  const commit = await headOf(api, repository, branch, signal);
  if (commit === undefined) throw branchNotFound(data.full_name, branch, data.default_branch);
  return { repositoryId: data.id, repository, private: data.private, branch, commit };
};

/** The commit that a branch points at; undefined when there is no such branch. Throws `repository_empty`. */
export const headOf = async (
  api: Api,
  { owner, name }: RepositoryName,
  branch: string,
  signal: AbortSignal,
): Promise<string | undefined> => {
  const found = await api.read(
    (rest, request) => rest.git.getRef({ owner, repo: name, ref: `heads/${branch}`, request }),
    signal,
    [404, 409],
  );
  if (found.ok) return found.data.object.sha;
  // «Git Repository is empty.»
  if (found.status === 409) {
    throw new AppError('repository_empty', `${owner}/${name} has no commit to start from yet.`);
  }
  return undefined;
};

const branchNotFound = (repository: string, branch: string, defaultBranch: string): AppError =>
  branch === defaultBranch
    ? new AppError('repository_empty', `${repository} has no commit on its default branch «${branch}».`)
    : new AppError('branch_not_found', `${repository} has no branch «${branch}».`, {
        whatToDo: `Check the name in baseBranch, or leave it out to use the default branch «${defaultBranch}».`,
      });
