import { AppError, asAppError } from '../domain/errors.ts';
import type { Job, JobStore } from '../domain/job.ts';
import type { Log } from '../domain/log.ts';
import { endWithError, startProgress } from './progress.ts';

export type Worker = {
  /** Cancels a queued or running job; false when it has ended already. */
  cancel(jobId: string): Promise<boolean>;
  /**
   * Ends every job, also those that wait, since they do not outlive the server's memory; resolves when the sandboxes
   * of the running ones are gone. From then on no job is taken.
   */
  stop(): Promise<void>;
};

export type WorkerOptions = {
  store: JobStore;
  log: Log;
  run: (job: Job, signal: AbortSignal) => Promise<void>;
  jobsMax: number;
  jobMs: number;
};

/** Claims jobs from the queue and runs at most `jobsMax` of them at once, each for at most `jobMs`. */
export const startWorker = ({ store, log, run, jobsMax, jobMs }: WorkerOptions): Worker => {
  const stopping = new AbortController();
  const running = new Map<string, AbortController>();

  const runOne = async (job: Job) => {
    const abort = new AbortController();
    running.set(job.id, abort);
    const timer = setTimeout(() => abort.abort(outOfTime(jobMs)), jobMs);
    // It may have been claimed in the moment of the stop.
    if (stopping.signal.aborted) abort.abort(stopping.signal.reason);
    try {
      await run(job, abort.signal);
    } catch (error) {
      log.error({ jobId: job.id, err: asAppError(error) }, 'the end of the job could not be stored');
    } finally {
      clearTimeout(timer);
      running.delete(job.id);
    }
  };

  const lane = async () => {
    while (!stopping.signal.aborted) {
      const job = await store.claim(stopping.signal).catch(() => undefined);
      if (job) await runOne(job);
    }
  };
  const lanes = Array.from({ length: jobsMax }, lane);

  return {
    async cancel(jobId) {
      const cancelled = new AppError('cancelled', 'The job was cancelled.');
      const job = await store.find(jobId);
      if (job?.state === 'queued') {
        await store.append(jobId, endWithError(cancelled, startProgress()));
        return true;
      }
      const abort = job?.state === 'running' ? running.get(jobId) : undefined;
      abort?.abort(cancelled);
      return abort !== undefined;
    },
    async stop() {
      stopping.abort(new AppError('server_stopped', 'The server was stopped while the job ran.'));
      for (const abort of running.values()) abort.abort(stopping.signal.reason);
      await endQueued(store, log);
      await Promise.all(lanes);
    },
  };
};

const endQueued = async (store: JobStore, log: Log): Promise<void> => {
  const stopped = new AppError('server_stopped', 'The server was stopped before the job began.');
  for (const jobId of await store.queued()) {
    try {
      await store.append(jobId, endWithError(stopped, startProgress()));
    } catch (error) {
      log.error({ jobId, err: asAppError(error) }, 'the end of the job could not be stored');
    }
  }
};

const outOfTime = (jobMs: number) =>
  new AppError('time_limit', `The job took longer than the ${Math.round(jobMs / 60_000)} minutes allowed.`);
