import type { HeldJob, JobClaims, JobStore } from '../domain/job.ts';
import type { Log } from '../domain/log.ts';
import { cancelJob } from './cancel-job.ts';
import {
  type Claimant,
  type ClaimLimits,
  claimJob,
  claimLock,
  leaseSeconds,
  recoverJobs,
} from './claim-job.ts';
import { createJob } from './create-job.ts';
import type { Database } from './database.ts';
import { cancelled, holdJob, leaseLost } from './held-job.ts';
import { migrate } from './migrate.ts';
import { impatient, isAway } from './patience.ts';
import { type Attempt, openQueue } from './queue.ts';
import { createReads, type KnownContainer } from './reads.ts';
import { tellPlaces } from './tell-places.ts';
import { trimJobs } from './trim-jobs.ts';
import { openWakes } from './wakes.ts';

export type StoreOptions = ClaimLimits & {
  queuedMax: number;
  /** Jobs that one API key without a limit of its own may ask for in an hour. */
  jobsPerHourMax: number;
  /** Takes what must not be seen out of events and requests. */
  redact: <T>(value: T) => T;
  /** Whether this server runs jobs, and looks after those of others that died. */
  isWorker: boolean;
  /** How long a job waits for a database that is away. */
  patienceMs: number;
  /** How long events and patch of an ended job are kept. */
  keptMs: number;
  log: Log;
};

export type Store = JobStore &
  AsyncDisposable & {
    /** Frees what a former process of this server has left, and lets this one take jobs. */
    openClaims(claimant: Claimant): Promise<JobClaims>;
    /** Throws when the database does not answer. */
    ping(): Promise<void>;
    /**
     * What the container with this id is to the store: a job's that goes on, a job's that is over or has another one, or
     * nothing that it knows.
     */
    sandboxUse(container: KnownContainer): Promise<'wanted' | 'over' | 'unknown'>;
  };

type Held = { fence: number; attempt: Attempt; ending: AbortController };

const beatMs = (leaseSeconds * 1000) / 4;
const trimMs = 60_000;

/** Jobs, their events and their queue in one database. Brings its tables up to date first. */
export const openStore = async (database: Database, options: StoreOptions): Promise<Store> => {
  await migrate(database);
  await using stack = new AsyncDisposableStack();
  const queue = stack.use(await openQueue(database, { supervise: options.isWorker, log: options.log }));
  const wakes = stack.use(await openWakes(database));
  const reads = createReads(database, wakes, options.redact);
  const held = new Map<string, Held>();

  const cancelHeld = (jobId: string) => held.get(jobId)?.ending.abort(cancelled());
  wakes.on('cancel ', cancelHeld);

  /** Says that we live, and hears what became of our jobs. */
  const beat = async () => {
    const jobs = [...held];
    // First, since the queue alone decides who is silent for too long, and the jobs' own rows may be locked for a while.
    await queue.touch(jobs.map(([, { attempt }]) => attempt));
    const alive = await database.query<{ id: string; cancel_requested: boolean }>(
      `UPDATE jobs SET lease_until = now() + interval '${leaseSeconds} seconds'
       FROM unnest($1::text[], $2::int[]) AS ours (id, fence)
       WHERE jobs.id = ours.id AND jobs.fence = ours.fence AND state = 'running'
       RETURNING jobs.id, cancel_requested`,
      [jobs.map(([id]) => id), jobs.map(([, { fence }]) => fence)],
    );
    const ids = new Set(alive.map(({ id }) => id));
    for (const [id, { ending }] of jobs) if (!ids.has(id) && held.has(id)) ending.abort(leaseLost());
    for (const { id, cancel_requested } of alive) if (cancel_requested) cancelHeld(id);
    await database.transaction(async (sql) => {
      // Two servers that tell the same jobs would wait for each other, or tell twice: the other one is at it.
      const [free] = await sql.query<{ isFree: boolean }>(
        'SELECT pg_try_advisory_xact_lock($1) AS "isFree"',
        [claimLock],
      );
      if (free?.isFree) await tellPlaces(sql);
    });
  };
  const beating = setInterval(() => {
    beat().catch((err) => {
      if (!isAway(err)) options.log.error({ err }, 'the store could not be told that this server lives');
    });
  }, beatMs);
  beating.unref();
  stack.defer(() => clearInterval(beating));
  const trimming = setInterval(() => {
    trimJobs(database, options.keptMs / 1000).then(
      (jobs) => jobs > 0 && options.log.info({ jobs }, 'events and patches of old jobs were removed'),
      (err) => options.log.warn({ err }, 'events of old jobs could not be removed'),
    );
  }, trimMs);
  trimming.unref();
  stack.defer(() => clearInterval(trimming));

  const tryClaim = async (claimant: Claimant): Promise<HeldJob | undefined> => {
    const claimed = await claimJob(database, queue, claimant, options);
    if (claimed === undefined) return undefined;
    const ending = new AbortController();
    const { id, fence, attempt } = claimed;
    // This process may have it still, without knowing that it was silent for too long.
    held.get(id)?.ending.abort(leaseLost());
    held.set(id, { fence, attempt, ending });
    // Whoever had it before may have died before it could be told.
    if (claimed.cancel_requested) cancelHeld(id);
    const onLetGo = () => {
      if (held.get(id)?.ending === ending) held.delete(id);
    };
    try {
      return await holdJob(claimed, { ...options, database, queue, ending, onLetGo });
    } catch (error) {
      // Nobody runs it: so nobody must go on saying that it is alive.
      onLetGo();
      throw error;
    }
  };

  const owned = stack.move();
  return {
    ...reads,
    create: (job, first, idempotency) =>
      impatient(() =>
        createJob({ job, first: options.redact(first), idempotency }, { ...options, database, queue }),
      ),
    cancel: (jobId, end) => impatient(() => cancelJob(jobId, options.redact(end), { database, queue })),
    async openClaims(claimant) {
      await recoverJobs(database, queue, claimant);
      return {
        async claim(signal) {
          for (;;) {
            using waiter = wakes.waiter('queue');
            signal.throwIfAborted();
            const job = await tryClaim(claimant).catch((err) => {
              options.log.warn({ err }, 'no job could be claimed');
              return undefined;
            });
            if (job !== undefined) return job;
            await waiter.wait(signal, claimAgainMs);
          }
        },
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};

/** The queue tells of new jobs, but not of those whose worker has died. */
const claimAgainMs = 1000;
