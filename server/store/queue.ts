import { type Db, PgBoss } from 'pg-boss';
import type { Log } from '../domain/log.ts';
import type { Database, Sql } from './database.ts';

/** Which of a queued job's attempts: pg-boss ignores one that is over. */
export type Attempt = { id: string; retryCount: number };

/** Jobs of one group are limited together, to what the group's tier may, where it has one. */
export type Group = { id: string; tier?: string };

type GroupMax = { default: number; tiers: Record<string, number> };

/**
 * The order of jobs and who has them, on pg-boss. Whatever takes `sql` belongs to that transaction.
 */
export type Queue = AsyncDisposable & {
  /** Gives back what pg-boss calls the job. */
  send(sql: Sql, jobId: string, group: Group | undefined): Promise<string>;
  /** The oldest that nobody has, and whose group has fewer under way than it may. */
  take(sql: Sql, groupMax: GroupMax): Promise<(Attempt & { jobId: string }) | undefined>;
  /** Says that whoever has them is alive. */
  touch(attempts: readonly Attempt[]): Promise<void>;
  done(sql: Sql, attempt: Attempt): Promise<void>;
  /** Lets somebody else have it, at once. */
  giveBack(sql: Sql, attempt: Attempt): Promise<void>;
  drop(sql: Sql, id: string): Promise<void>;
};

const name = 'jobs';
const day = 86_400;

export type QueueOptions = {
  /** Looks for dead workers; one that only serves the API need not. */
  supervise: boolean;
  log: Log;
};

/**
 * pg-boss's own limits fit short jobs (a quarter of an hour, two retries): here the store counts what may fail a job, and
 * a job is taken from its worker when that has said nothing for ten seconds, the least that pg-boss knows.
 */
export const openQueue = async (database: Database, options: QueueOptions): Promise<Queue> => {
  const boss = new PgBoss({
    db: asDb(database),
    backend: database.backend,
    schema: 'queue',
    schedule: false,
    registerInstance: false,
    monitorVacuum: false,
    supervise: options.supervise,
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
  });
  boss.on('error', (err) => options.log.warn({ err }, 'the queue could not do its housekeeping'));
  boss.on('warning', (warning) => options.log.warn({ warning }, 'the queue warns'));
  await oneAtATime(database, async () => {
    await boss.start();
    await boss.createQueue(name, {
      expireInSeconds: day - 1,
      heartbeatSeconds: 10,
      retryLimit: 1_000_000,
      retryDelay: 0,
      retentionSeconds: 90 * day,
      deleteAfterSeconds: day,
    });
  });

  return {
    async send(sql, jobId, group) {
      const id = await boss.send(name, { jobId }, { db: asDb(sql), ...(group ? { group } : {}) });
      if (id === null) throw new Error('pg-boss took no job.');
      return id;
    },
    async take(sql, groupMax) {
      const [job] = await boss.fetch<{ jobId: string }>(name, { db: asDb(sql), groupConcurrency: groupMax });
      return job && { id: job.id, retryCount: job.retryCount, jobId: job.data.jobId };
    },
    async touch(attempts) {
      if (attempts.length > 0) await boss.touch(name, [...attempts]);
    },
    async done(sql, attempt) {
      await boss.complete(name, attempt, null, { db: asDb(sql) });
    },
    async giveBack(sql, attempt) {
      await boss.fail(name, attempt, null, { db: asDb(sql) });
    },
    async drop(sql, id) {
      await boss.cancel(name, id, { db: asDb(sql) });
    },
    async [Symbol.asyncDispose]() {
      await boss.stop({ graceful: false });
    },
  };
};

const lock = 7_300_504;

/** pg-boss fails where two servers make its tables in the same moment. A PGlite has one server, and one connection. */
const oneAtATime = (database: Database, action: () => Promise<void>): Promise<void> =>
  database.backend === 'pglite'
    ? action()
    : database.transaction(async (sql) => {
        await sql.query('SELECT pg_advisory_xact_lock($1)', [lock]);
        await action();
      });

/** pg-boss passes no values where it has several statements at once. */
const asDb = (sql: Sql): Db => ({
  async executeSql(text, values) {
    return { rows: await sql.query(text, values === undefined || values.length === 0 ? undefined : values) };
  },
});
