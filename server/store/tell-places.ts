import type { Sql } from './database.ts';
import { wakeChannel } from './wakes.ts';

/** Whoever stands further back hears of its place when it has come so far. */
const placesMax = 100;

/** A job that begins at once need not hear that it waits. */
const waitsSeconds = 1;

/** Tells the jobs that wait their places in the queue, as far as these have changed. */
export const tellPlaces = async (sql: Sql): Promise<void> => {
  await sql.query(
    `WITH waiting AS (
       SELECT id, (row_number() OVER (ORDER BY place))::int AS now_at, created_at
       FROM jobs WHERE state = 'queued' ORDER BY place LIMIT ${placesMax}
     ), moved AS (
       UPDATE jobs SET told_place = now_at, last_event = last_event + 1
       FROM waiting
       WHERE jobs.id = waiting.id AND state = 'queued' AND told_place IS DISTINCT FROM now_at
         AND waiting.created_at < now() - interval '${waitsSeconds} seconds'
       RETURNING jobs.id, last_event, now_at
     ), told AS (
       INSERT INTO events
       SELECT id, last_event, now(), 'Job: Waiting', json_build_object('type', 'Job: Waiting', 'place', now_at) FROM moved
     )
     SELECT pg_notify('${wakeChannel}', 'event ' || id) FROM moved`,
  );
};
