import type { Sql } from './database.ts';

/** So many at once, so that no statement holds the tables for long. */
const jobsMax = 100;

/**
 * Removes what jobs have left that ended so long ago: transcript, checkpoint and all events but the last, which says what
 * came of them. Gives back how many jobs that were.
 */
export const trimJobs = async (sql: Sql, keptSeconds: number): Promise<number> => {
  const [row] = await sql.query<{ count: number }>(
    `WITH old AS (
       UPDATE jobs SET trimmed_at = now() WHERE id IN (
         SELECT id FROM jobs WHERE ended_at < now() - $1 * interval '1 second' AND trimmed_at IS NULL
         LIMIT ${jobsMax} FOR UPDATE SKIP LOCKED
       ) RETURNING id, last_event
     ),
     e AS (DELETE FROM events USING old WHERE job_id = id AND number < last_event),
     t AS (DELETE FROM transcript USING old WHERE job_id = id),
     m AS (DELETE FROM milestones USING old WHERE job_id = id),
     c AS (DELETE FROM checkpoints USING old WHERE job_id = id),
     b AS (DELETE FROM checkpoint_blobs USING old WHERE job_id = id),
     s AS (DELETE FROM sandboxes USING old WHERE job_id = id)
     SELECT count(*)::int AS count FROM old`,
    [keptSeconds],
  );
  return row?.count ?? 0;
};
