import { AppError } from '../domain/errors.ts';
import type { Sql } from './database.ts';

/** One number for all servers of ours on a database; a second one stands for the key. */
const lock = 7_300_503;

/** Until the transaction ends nobody else asks for a job with this key. */
export const lockKey = async (sql: Sql, keyId: string | null): Promise<void> => {
  await sql.query('SELECT pg_advisory_xact_lock($1::int, hashtext($2))', [lock, keyId ?? '']);
};

/**
 * Throws `rate_limited` when the key has asked for as many jobs in the last hour as it may, `unauthorized` when it was
 * revoked. Gives back how many of its jobs may run at once; null when it has no limit of its own. The count is of the
 * jobs themselves, under the key's lock, so it is the same on every server.
 */
export const applyKeyLimits = async (
  sql: Sql,
  keyId: string | null,
  jobsPerHourMax: number,
): Promise<number | null> => {
  const [key] = await sql.query<{
    running_max: number | null;
    jobs_per_hour_max: number | null;
    revoked: boolean;
  }>('SELECT running_max, jobs_per_hour_max, revoked_at IS NOT NULL AS revoked FROM api_keys WHERE id = $1', [
    keyId,
  ]);
  if (key?.revoked) throw new AppError('unauthorized', 'The API key was revoked.');
  await refuseBeyond(sql, keyId, key?.jobs_per_hour_max ?? jobsPerHourMax);
  return key?.running_max ?? null;
};

/** When the oldest of the last `max` jobs is an hour old there is room for another one. */
const refuseBeyond = async (sql: Sql, keyId: string | null, max: number): Promise<void> => {
  const [oldest] = await sql.query<{ seconds: number }>(
    `SELECT ceil(extract(epoch FROM created_at + interval '1 hour' - now()))::int AS seconds FROM jobs
     WHERE coalesce(key_id, '') = $1 AND created_at > now() - interval '1 hour'
     ORDER BY created_at DESC OFFSET $2 LIMIT 1`,
    [keyId ?? '', max - 1],
  );
  if (oldest === undefined) return;
  throw new AppError(
    'rate_limited',
    `${max} jobs were asked for in the last hour: more are not allowed with this key.`,
    {
      retryAfterSeconds: Math.max(1, oldest.seconds),
    },
  );
};

/** The limits that keys have of their own, by the name that the queue knows them by. */
export const runningLimits = async (sql: Sql): Promise<Record<string, number>> => {
  const rows = await sql.query<{ running_max: number }>(
    'SELECT DISTINCT running_max FROM api_keys WHERE running_max IS NOT NULL',
  );
  return Object.fromEntries(rows.map(({ running_max }) => [tierOf(running_max), running_max]));
};

export const tierOf = (runningMax: number): string => `at most ${runningMax}`;
