import type { AgentAnswer } from '../agent/answer.ts';
import type { Changeset } from '../domain/changeset.ts';
import type { CheckEvidence, Evidence } from '../domain/checks/evidence.ts';
import { AppError } from '../domain/errors.ts';
import type { JobRequest } from '../domain/job.ts';

/**
 * Ends a job whose agent was ended at a limit, unless what there is is to become a draft: as asked for, else only if it
 * passes the repository's checks. Throws the limit's error; the work so far is the job's patch.
 */
export const endAtLimit = (
  { incomplete }: Pick<AgentAnswer, 'incomplete'>,
  { files }: Pick<Changeset, 'files'>,
  { onLimit }: Pick<JobRequest, 'onLimit'>,
  evidence: Evidence | undefined,
): void => {
  if (incomplete === undefined) return;
  if (files.length > 0 && atLimit(onLimit, evidence) === 'draft') return;
  throw new AppError(incomplete.code, incomplete.message);
};

export const atLimit = (
  onLimit: JobRequest['onLimit'],
  evidence: Evidence | undefined,
): 'draft' | 'patch' => {
  if (onLimit !== undefined) return onLimit;
  const checks = evidence?.checks ?? [];
  return checks.length > 0 && checks.every(passes) ? 'draft' : 'patch';
};

/** Also with the tests as they were: half a work that has changed them may pass for that alone. */
const passes = ({ verdict, afterWithBaseFiles }: CheckEvidence): boolean =>
  (verdict === 'passed' || verdict === 'fixed') &&
  (afterWithBaseFiles === undefined || afterWithBaseFiles.status === 'passed');
