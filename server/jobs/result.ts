import type { PullRequest } from '../domain/github.ts';
import type { Work } from './do-work.ts';
import type { Progress, Result } from './progress.ts';

export const pullRequestResult = (
  { answer, changeset, evidence }: Work,
  pullRequest: PullRequest,
  progress: Progress,
): Result => ({
  type: 'Result',
  status: answer.incomplete ? 'incomplete' : 'succeeded',
  prUrl: pullRequest.url,
  summary: answer.summary,
  filesChanged: changeset.files.length,
  additions: pullRequest.additions,
  deletions: pullRequest.deletions,
  leftOut: [...changeset.leftOut],
  checks: (evidence?.checks ?? []).map(({ command, verdict }) => ({ command, verdict })),
  ...progress.end(),
});

/** No change means no branch and no pull request. */
export const nothingToChangeResult = ({ answer, changeset }: Work, progress: Progress): Result => ({
  type: 'Result',
  status: 'nothing_to_change',
  prUrl: null,
  // Why nothing was to change often stands in the first line, which is the title of nothing here.
  summary: answer.summary === answer.title ? answer.title : `${answer.title}\n\n${answer.summary}`,
  filesChanged: 0,
  additions: null,
  deletions: null,
  leftOut: [...changeset.leftOut],
  checks: [],
  ...progress.end(),
});
