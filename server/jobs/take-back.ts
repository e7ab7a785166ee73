import { AppError } from '../domain/errors.ts';
import type { GitHub } from '../domain/github.ts';
import type { HeldJob } from '../domain/job.ts';
import type { Log } from '../domain/log.ts';
import type { Base } from '../domain/repository.ts';
import type { Progress } from './progress.ts';
import { branchOf } from './publish.ts';

const takeBackMs = 45_000;

/**
 * What a cancelled job may have published, in whichever server's hands, goes again: its pull request is closed, and its
 * branch deleted unless somebody else's commit stands on it. Gives back what the job's end has to say of it.
 */
export const takeBack = async (
  held: Pick<HeldJob, 'job' | 'known' | 'checkLease'>,
  github: Pick<GitHub, 'withLease'>,
  progress: Progress,
  log: Log,
): Promise<AppError> => {
  const base = held.known<Base>('base');
  const commit = held.known<string>('commit');
  const said = (what: string) => new AppError('cancelled', `The job was cancelled.${what}`);
  // Before its commit is known a job has made no branch.
  if (base === undefined || commit === undefined) return said('');
  const branch = branchOf(held.job);
  try {
    const { branchDeleted, closed } = await github
      .withLease(held.checkLease)
      .withdraw(base, branch, commit, AbortSignal.timeout(takeBackMs));
    progress.saved = { ...(branchDeleted ? {} : { branch }), ...(closed ? { prUrl: closed } : {}) };
    const kept = branchDeleted ? '' : ` The branch «${branch}» has a commit of somebody else’s, and stays.`;
    return said(`${closed ? ' Its pull request was closed.' : ''}${kept}`);
  } catch (err) {
    log.warn({ jobId: held.job.id, err }, 'what a cancelled job has published could not be taken back');
    return said(` Its branch «${branch}» could not be taken back: look at it on GitHub.`);
  }
};

/**
 * What a former holder had on its way when it was stopped may land after all that: so it is looked for once more, well
 * within a minute. Where nothing has landed this changes nothing.
 */
export const takeBackAgain = (
  held: Pick<HeldJob, 'job' | 'known' | 'earlierClaims'>,
  github: Pick<GitHub, 'withdraw'>,
  log: Log,
  afterMs: number,
): void => {
  const base = held.known<Base>('base');
  const commit = held.known<string>('commit');
  if (held.earlierClaims === 0 || base === undefined || commit === undefined) return;
  const again = async () => {
    try {
      await github.withdraw(base, branchOf(held.job), commit, AbortSignal.timeout(takeBackMs));
    } catch (err) {
      log.warn(
        { jobId: held.job.id, err },
        'what a cancelled job has published could not be looked for again',
      );
    }
  };
  setTimeout(() => void again(), afterMs).unref();
};
