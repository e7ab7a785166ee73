import type { RestEndpointMethodTypes } from '@octokit/rest';
import type { PullRequest } from '../domain/github.ts';
import type { Base } from '../domain/repository.ts';
import type { Api } from './api.ts';
import { attempt, Unclear } from './attempts.ts';

type Text = { title: string; body: string; draft: boolean };

/**
 * One branch has one pull request. Whenever it is not certain that GitHub made it (a lost answer, a 5xx, a 422
 * because somebody was faster), the list is asked before anything is tried again.
 */
export const createPullRequest = (
  api: Api,
  base: Base,
  branch: string,
  text: Text,
  signal: AbortSignal,
): Promise<PullRequest> =>
  attempt(async () => {
    const found = await find(api, base, branch, signal);
    if (found !== undefined) return found;
    signal.throwIfAborted();
    try {
      return await create(api, base, branch, text);
    } catch (error) {
      const late = await find(api, base, branch, neverAborted);
      if (late !== undefined) return late;
      throw error;
    }
  }, signal);

/**
 * Once it is asked for, a pull request may be there, whatever becomes of the job: nobody could say so if the answer,
 * or the look that follows a lost one, were not awaited. Each request has a time limit of its own.
 */
const neverAborted = new AbortController().signal;

const create = async (api: Api, base: Base, branch: string, text: Text): Promise<PullRequest> => {
  const { owner, name: repo } = base.repository;
  const made = await api.change(
    (rest, request) => rest.pulls.create({ owner, repo, head: branch, base: base.branch, ...text, request }),
    neverAborted,
    [422],
  );
  if (made.ok) return pullRequest(made.data);
  // This refusal says for certain that none was made, unlike the 422 for one that exists already.
  if (text.draft && noDrafts.test(made.message)) return create(api, base, branch, withoutDraft(text));
  throw new Unclear('publish_failed', `GitHub did not create the pull request: ${made.message}`);
};

/** GitHub's words for private repositories of plans without drafts; they are the answer's message, not one of its errors. */
const noDrafts = /draft pull requests are not supported/i;

/** The title says what the state of a draft would have said. */
const withoutDraft = ({ title, body }: Text): Text => ({
  title: `[unverified] ${title}`,
  body,
  draft: false,
});

/** In any state: a person may have closed or merged it since, and another one would be noise. */
const find = async (
  api: Api,
  base: Base,
  branch: string,
  signal: AbortSignal,
): Promise<PullRequest | undefined> => {
  const { owner, name: repo } = base.repository;
  const number = (await pullRequestsOf(api, base, branch, signal))[0]?.number;
  if (number === undefined) return undefined;
  const detail = await api.read(
    (rest, request) => rest.pulls.get({ owner, repo, pull_number: number, request }),
    signal,
  );
  return detail.ok ? pullRequest(detail.data) : undefined;
};

type Listed = RestEndpointMethodTypes['pulls']['list']['response']['data'];

/** Those with the branch as their head, in any state, the newest first. */
export const pullRequestsOf = async (
  api: Api,
  base: Base,
  branch: string,
  signal: AbortSignal,
): Promise<Listed> => {
  const { owner, name: repo } = base.repository;
  const listed = await api.read(
    (rest, request) =>
      rest.pulls.list({ owner, repo, state: 'all', head: `${owner}:${branch}`, per_page: 10, request }),
    signal,
  );
  // GitHub lists every pull request when it does not understand the filter.
  const isOurs = (pull: { head: { ref: string; repo: { id: number } | null } }): boolean =>
    pull.head.ref === branch && pull.head.repo?.id === base.repositoryId;
  return listed.ok ? listed.data.filter(isOurs) : [];
};

const pullRequest = (pull: {
  html_url: string;
  number: number;
  title: string;
  draft?: boolean;
  additions: number;
  deletions: number;
}): PullRequest => ({
  url: pull.html_url,
  number: pull.number,
  title: pull.title,
  draft: pull.draft ?? false,
  additions: pull.additions,
  deletions: pull.deletions,
});
