import type { Database, Sql } from './database.ts';
import { runningLimits } from './key-limits.ts';
import type { Attempt, Queue } from './queue.ts';
import { type JobRow, jobColumns } from './rows.ts';
import { tellPlaces } from './tell-places.ts';

/** Who claims: the server is the same over its restarts, the process is not. */
export type Claimant = { serverId: string; processId: string };

export type ClaimLimits = {
  /** Jobs under way on all servers together. */
  runningMax: number;
  /** Jobs under way of one API key that has no limit of its own. */
  runningPerKeyMax: number;
};

export type ClaimedRow = JobRow & {
  fence: number;
  deaths: number;
  last_event: number;
  sandbox: string | null;
  cancel_requested: boolean;
  attempt: Attempt;
  wasHandedOver: boolean;
};

/** One number for all servers of ours on a database: who claims counts what runs, and nobody else claims meanwhile. */
export const claimLock = 7_300_502;

export const leaseSeconds = 12;

/**
 * Takes the oldest job that nobody has; undefined when there is none, or no room for one. The fence goes up, so that
 * whoever had the job before can write nothing any more.
 */
export const claimJob = (
  database: Database,
  queue: Queue,
  claimant: Claimant,
  limits: ClaimLimits,
): Promise<ClaimedRow | undefined> =>
  database.transaction(async (sql) => {
    await sql.query('SELECT pg_advisory_xact_lock($1)', [claimLock]);
    if ((await running(sql)) >= limits.runningMax) return undefined;
    const groupMax = { default: limits.runningPerKeyMax, tiers: await runningLimits(sql) };
    for (;;) {
      const attempt = await queue.take(sql, groupMax);
      if (attempt === undefined) return undefined;
      const row = await claim(sql, attempt, claimant);
      if (row !== undefined) {
        await tellPlaces(sql);
        return { ...row, attempt };
      }
      // It has ended, say by a cancel in the moment of its worker's death.
      await queue.done(sql, attempt);
    }
  });

/** Those whose holder is gone take no room: it is they that are to be claimed again. */
const running = async (sql: Sql): Promise<number> => {
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM jobs WHERE state = 'running' AND lease_until > now()`,
  );
  return row?.count ?? 0;
};

/** A claim that finds the job with a holder who did not give it back has seen that one die. */
const claim = async (
  sql: Sql,
  { jobId, retryCount }: Attempt & { jobId: string },
  { serverId, processId }: Claimant,
): Promise<Omit<ClaimedRow, 'attempt'> | undefined> => {
  const [row] = await sql.query<Omit<ClaimedRow, 'attempt'>>(
    `WITH before AS (
       SELECT id, handed_over, deaths, deaths_at,
         (SELECT count(*)::int FROM transcript WHERE job_id = jobs.id AND kind = 'reply') AS turns
       FROM jobs WHERE id = $1 AND state IN ('queued', 'running') FOR UPDATE
     )
     UPDATE jobs SET
       state = 'running',
       fence = fence + 1,
       queue_attempt = $2,
       server_id = $3,
       process_id = $4,
       lease_until = now() + interval '${leaseSeconds} seconds',
       started_at = coalesce(started_at, now()),
       handed_over = false,
       deaths = CASE WHEN before.handed_over THEN before.deaths
                     WHEN before.deaths_at = before.turns THEN before.deaths + 1 ELSE 1 END,
       deaths_at = before.turns
     FROM before WHERE jobs.id = before.id
     RETURNING ${jobColumns.replaceAll(/\w+/g, 'jobs.$&')}, jobs.fence, jobs.deaths, jobs.last_event, jobs.sandbox, jobs.cancel_requested,
       before.handed_over AS "wasHandedOver"`,
    [jobId, retryCount, serverId, processId],
  );
  return row;
};

/**
 * Frees the jobs that a former process of this server has left: nobody need wait until its silence has lasted long enough.
 */
export const recoverJobs = (database: Database, queue: Queue, claimant: Claimant): Promise<void> =>
  database.transaction(async (sql) => {
    await sql.query('SELECT pg_advisory_xact_lock($1)', [claimLock]);
    const left = await sql.query<{ queue_id: string; queue_attempt: number }>(
      `UPDATE jobs SET lease_until = NULL
       WHERE state = 'running' AND server_id = $1 AND process_id <> $2 AND lease_until IS NOT NULL
       RETURNING queue_id, queue_attempt`,
      [claimant.serverId, claimant.processId],
    );
    for (const { queue_id: id, queue_attempt: retryCount } of left) {
      await queue.giveBack(sql, { id, retryCount });
    }
  });
