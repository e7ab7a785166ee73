import { AppError } from '../domain/errors.ts';
import type { Idempotency, Job } from '../domain/job.ts';
import type { JobFact } from '../domain/job-event.ts';
import type { Database, Sql } from './database.ts';
import { applyKeyLimits, lockKey, tierOf } from './key-limits.ts';
import type { Group, Queue } from './queue.ts';
import { type JobRow, jobColumns, jobOf } from './rows.ts';
import { tell } from './wakes.ts';

type Acceptance = { job: Job; first: JobFact; idempotency: Idempotency | undefined };

type CreateOptions = { database: Database; queue: Queue; queuedMax: number; jobsPerHourMax: number };

/** The job, its first event and its place in the queue, all or nothing. */
export const createJob = (
  acceptance: Acceptance,
  { database, queue, queuedMax, jobsPerHourMax }: CreateOptions,
): Promise<Job> =>
  database.transaction(async (sql) => {
    const { id, keyId } = acceptance.job;
    // The same request at the same moment, on whatever server, waits here and then finds its job.
    await lockKey(sql, keyId);
    const earlier = await findEarlier(acceptance, sql);
    if (earlier !== undefined) return earlier;
    const runningMax = await applyKeyLimits(sql, keyId, jobsPerHourMax);
    await refuseWhenFull(sql, queuedMax);
    await insert(acceptance, await queue.send(sql, id, groupOf(keyId, runningMax)), sql);
    await sql.query(tell, ['queue']);
    return acceptance.job;
  });

const groupOf = (keyId: string | null, runningMax: number | null): Group | undefined =>
  keyId === null ? undefined : { id: keyId, ...(runningMax === null ? {} : { tier: tierOf(runningMax) }) };

const findEarlier = async ({ job, idempotency }: Acceptance, sql: Sql): Promise<Job | undefined> => {
  if (idempotency === undefined) return undefined;
  const [row] = await sql.query<JobRow & { request_hash: string }>(
    `SELECT ${jobColumns}, request_hash FROM jobs WHERE coalesce(key_id, '') = $1 AND idempotency_key = $2`,
    [job.keyId ?? '', idempotency.key],
  );
  if (row === undefined) return undefined;
  if (row.request_hash !== idempotency.requestHash) {
    throw new AppError(
      'idempotency_key_reused',
      `The Idempotency-Key «${idempotency.key}» came with another request before.`,
    );
  }
  return jobOf(row);
};

const refuseWhenFull = async (sql: Sql, queuedMax: number): Promise<void> => {
  const [{ waiting } = { waiting: 0 }] = await sql.query<{ waiting: number }>(
    `SELECT count(*)::int AS waiting FROM jobs WHERE state = 'queued'`,
  );
  if (waiting >= queuedMax) {
    throw new AppError('queue_full', `${waiting} jobs wait already: no more are taken now.`);
  }
};

const insert = async ({ job, first, idempotency }: Acceptance, queueId: string, sql: Sql): Promise<void> => {
  await sql.query(
    `INSERT INTO jobs (id, key_id, state, request, created_at, queue_id, last_event, idempotency_key, request_hash)
     VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8)`,
    [
      job.id,
      job.keyId,
      job.state,
      JSON.stringify(job.request),
      job.createdAt,
      queueId,
      idempotency?.key ?? null,
      idempotency?.requestHash ?? null,
    ],
  );
  await sql.query('INSERT INTO events VALUES ($1, 1, now(), $2, $3)', [
    ...[job.id, first.type, JSON.stringify(first)],
  ]);
};
