import fs from 'node:fs';
import git, { Errors } from 'isomorphic-git';
import { AppError } from '../domain/errors.ts';
import type { Base } from '../domain/repository.ts';
import { attempt, Unclear } from './attempts.ts';
import { squatted } from './branch.ts';
import { quotable } from './bytes.ts';
import { createGitHttpClient } from './git-http-client.ts';
import { repositoryUrl } from './git-url.ts';
import type { GitHubOptions } from './options.ts';

/**
 * Pushes without force. GitHub moves the branch only if it still is where its list of branches said (that is how git
 * pushes), and this looks at the list first: so a push may be repeated when its answer was lost.
 */
export const pushCommit = (
  options: GitHubOptions,
  gitdir: string,
  base: Base,
  commit: string,
  branch: string,
  signal: AbortSignal,
): Promise<void> =>
  attempt(async () => {
    const said: string[] = [];
    let head: string | undefined;
    try {
      await git.push({
        fs,
        gitdir,
        http: createGitHttpClient(options, base, signal),
        url: repositoryUrl(options, base),
        ref: commit,
        remoteRef: `refs/heads/${branch}`,
        onMessage: (line) => {
          if (said.length < linesMax) said.push(line);
        },
        onPrePush: ({ remoteRef }) => {
          head = remoteRef.oid;
          return head === base.commit;
        },
      });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Errors.UserCanceledError && head === commit) return;
      throw pushError(error, branch, head, said.join(' '));
    }
  }, signal);

/** GitHub explains a refusal, say by a ruleset, in a few lines. */
const linesMax = 20;

const absent = '0'.repeat(40);

const pushError = (error: unknown, branch: string, head: string | undefined, said: string): AppError => {
  if (error instanceof AppError) return error;
  const message = (why: string) => `The push to «${branch}» failed: ${quotable(`${why} ${said}`)}`;
  const failed = (why: string) => new AppError('publish_failed', message(why), { cause: error });
  if (error instanceof Errors.UserCanceledError) {
    return head === undefined || head === absent
      ? failed('GitHub has no such branch.')
      : squatted(branch, head);
  }
  if (error instanceof Errors.GitPushError)
    return new Unclear('publish_failed', message(error.message), error);
  if (error instanceof Errors.HttpError) return statusError(error.data.statusCode, failed, error);
  return failed(error instanceof Error ? error.message : 'unknown error');
};

const statusError = (status: number, failed: (why: string) => AppError, cause: unknown): AppError => {
  if (status >= 500)
    return new Unclear('github_failed', `GitHub answered the push with status ${status}.`, cause);
  if (status >= 400 && status <= 404) {
    const message = `GitHub does not let the server’s token push: status ${status}.`;
    return new AppError('github_credentials', message, { cause });
  }
  return failed(`GitHub answered with status ${status}.`);
};
