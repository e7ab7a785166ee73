import { AppError } from '../../../server/domain/errors.ts';
import type { GitHub, PullRequest } from '../../../server/domain/github.ts';
import type { Base } from '../../../server/domain/repository.ts';
import { createGitHub } from '../../../server/github/github.ts';
import type { GitHubOptions } from '../../../server/github/options.ts';

/** Production’s, but a pull request is asked for without a look whether there is one; a failure is tried once more. */
export const neverLooking = (options: GitHubOptions): GitHub => ({
  ...createGitHub(options),
  createPullRequest: (base, branch, text) => {
    const ask = () => create(options, base, { ...text, head: branch, base: base.branch });
    return ask().catch(ask);
  },
});

/** The same, but a failure is followed by the look: only what should come before anything else is left out. */
export const lookingTooLate = (options: GitHubOptions): GitHub => {
  const gitHub = createGitHub(options);
  return {
    ...gitHub,
    createPullRequest: (base, branch, text, signal) =>
      create(options, base, { ...text, head: branch, base: base.branch }).catch(() =>
        gitHub.createPullRequest(base, branch, text, signal),
      ),
  };
};

const create = async (
  { apiUrl, token, userAgent }: GitHubOptions,
  { repository }: Base,
  pull: Record<string, string | boolean>,
): Promise<PullRequest> => {
  const response = await fetch(`${apiUrl}/repos/${repository.owner}/${repository.name}/pulls`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'user-agent': userAgent,
    },
    body: JSON.stringify(pull),
  });
  if (!response.ok) throw new AppError('publish_failed', `GitHub answered ${response.status}.`);
  const { html_url: url, ...made } = (await response.json()) as PullRequest & { html_url: string };
  return { ...made, url };
};
