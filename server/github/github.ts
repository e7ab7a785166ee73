import type { GitHub } from '../domain/github.ts';
import { createApi } from './api.ts';
import { receiveBase } from './base-repository.ts';
import { createBranch } from './branch.ts';
import { clone } from './clone.ts';
import { createGateway } from './gateway.ts';
import type { GitHubOptions } from './options.ts';
import { createPullRequest } from './pull-request.ts';
import { resolveBase } from './resolve-base.ts';
import { withdraw } from './withdraw.ts';

export const createGitHub = (options: GitHubOptions): GitHub => {
  const api = createApi(options);
  return {
    withLease: (beforeWrite) => createGitHub({ ...options, beforeWrite }),
    resolveBase: (repository, branch, signal) => resolveBase(api, repository, branch, signal),
    clone: (sandbox, base, onProgress, signal) => clone(options, sandbox, base, onProgress, signal),
    admit: (sandbox, base) =>
      sandbox.openWayOut(
        createGateway(
          options,
          base,
          () => {},
          () => {},
        ),
      ),
    receiveBase: (base, pack, signal) => receiveBase(options, base, pack, signal),
    createBranch: (base, branch, ours, signal) => createBranch(api, base, branch, ours, signal),
    createPullRequest: (base, branch, text, signal) => createPullRequest(api, base, branch, text, signal),
    withdraw: (base, branch, ours, signal) => withdraw(api, base, branch, ours, signal),
  };
};
