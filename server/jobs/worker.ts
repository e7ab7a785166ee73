import { AppError, asAppError } from '../domain/errors.ts';
import type { HeldJob, JobClaims } from '../domain/job.ts';
import type { Log } from '../domain/log.ts';
import { jobMsOf } from './job-limits.ts';

export type Worker = {
  /**
   * From now on no job is taken. Those that run get so long to come to their end; then they are handed over to whichever
   * server takes them up next. Resolves when that is done.
   */
  stop(graceMs: number): Promise<void>;
};

export type WorkerOptions = {
  claims: JobClaims;
  log: Log;
  run: (held: HeldJob, signal: AbortSignal) => Promise<void>;
  jobsMax: number;
  /** From the job's first start on, whoever ran it. A request may ask for less. */
  jobMs: number;
};

/** Claims jobs from the queue and runs at most `jobsMax` of them at once, each for at most `jobMs`. */
export const startWorker = ({ claims, log, run, jobsMax, jobMs: jobMsMax }: WorkerOptions): Worker => {
  const stopping = new AbortController();
  const handingOver = new AbortController();

  const runOne = async (job: HeldJob) => {
    await using held = job;
    const outOfTime = new AbortController();
    const jobMs = jobMsOf(held.job, jobMsMax);
    const ranMs = Date.now() - Date.parse(held.job.startedAt ?? held.job.createdAt);
    const timer = setTimeout(() => outOfTime.abort(timeIsUp(jobMs)), Math.max(0, jobMs - ranMs));
    try {
      await run(held, AbortSignal.any([held.signal, outOfTime.signal, handingOver.signal]));
    } catch (error) {
      log.error({ jobId: held.job.id, err: asAppError(error) }, 'the end of the job could not be stored');
    } finally {
      clearTimeout(timer);
    }
  };

  const lane = async () => {
    while (!stopping.signal.aborted) {
      const job = await claims.claim(stopping.signal).catch(() => undefined);
      if (job) await runOne(job);
    }
  };
  const lanes = Array.from({ length: jobsMax }, lane);

  return {
    async stop(graceMs) {
      stopping.abort(serverStops());
      const timer = setTimeout(() => handingOver.abort(serverStops()), graceMs);
      await Promise.all(lanes);
      clearTimeout(timer);
    },
  };
};

const serverStops = () => new AppError('server_stopped', 'The server stops.');

const timeIsUp = (jobMs: number) =>
  new AppError(
    'time_limit',
    `The job took longer than the ${Number((jobMs / 60_000).toFixed(1))} minutes allowed.`,
  );
