import type { AgentAnswer } from '../agent/answer.ts';
import type { Changeset } from '../domain/changeset.ts';
import type { Evidence } from '../domain/checks/evidence.ts';
import type { BaseRepository, PullRequest } from '../domain/github.ts';
import type { Job } from '../domain/job.ts';
import type { Walk } from './ports.ts';
import { withoutClosing } from './pull-request/closing-words.ts';
import { redacted } from './pull-request/redacted.ts';
import { pullRequestText } from './pull-request/text.ts';

export type Publication = {
  job: Job;
  answer: AgentAnswer;
  changeset: Changeset;
  /** undefined when the server has checked nothing. */
  evidence: Evidence | undefined;
  /** The model's name. */
  model: string;
  baseRepository: BaseRepository;
  identity: { name: string; email: string };
  /** Told the commit's id before anything is published: whoever takes it back must know it. */
  onCommit(sha: string): Promise<void>;
};

export const branchOf = ({ id }: Pick<Job, 'id'>): string => `backspace/${id}`;

/**
 * Branch, commit, push, pull request. The commit is a function of the job, its time stamp included, so that doing any
 * of this again changes nothing: a push that was done already has nothing to send.
 */
export const publish = async (
  { job, answer, changeset, evidence, model, baseRepository, identity, onCommit }: Publication,
  { github, emit, progress, redact }: Pick<Walk, 'github' | 'emit' | 'progress' | 'redact'>,
  signal: AbortSignal,
): Promise<PullRequest> => {
  const { base } = baseRepository;
  const branch = branchOf(job);
  const subject = withoutClosing(answer.title, job.request);
  const message = `${subject}\n\nBackspace-Job: ${job.id}\n`;
  const timestamp = Math.floor(Date.parse(job.createdAt) / 1000);
  const sha = await baseRepository.commit(changeset.files, message, { ...identity, timestamp });
  await onCommit(sha);

  await github.createBranch(base, branch, sha, signal);
  progress.saved = { branch };
  await emit({ type: 'Git: Branch', branch, base: base.commit });

  const files = changeset.files.map(({ path, status }) => ({ path, status }));
  await emit({ type: 'Git: Commit', sha, message: subject, files, leftOut: [...changeset.leftOut] });

  const started = performance.now();
  await baseRepository.push(sha, branch, signal);
  progress.saved = { branch, commit: sha };
  await emit({ type: 'Git: Push', branch, sha, ms: Math.round(performance.now() - started) });

  const story = {
    ...{ job, answer, changeset, evidence, model, baseFiles: baseRepository.files },
    ...{ denials: progress.denials(), usage: progress.usage },
  };
  const { title, body, draft } = pullRequestText(redacted(story, redact));
  const text = { title: redact(title), body: redact(body), draft };
  const pullRequest = await github.createPullRequest(base, branch, text, signal);
  progress.saved = { branch, commit: sha, prUrl: pullRequest.url };
  const { url, number } = pullRequest;
  await emit({ type: 'PR: Created', url, number, title: pullRequest.title, draft: pullRequest.draft });
  return pullRequest;
};
