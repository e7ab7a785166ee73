import { AppError } from '../domain/errors.ts';
import { endState, type HeldJob, type Job } from '../domain/job.ts';
import type { JobEvent, JobFact } from '../domain/job-event.ts';
import type { TranscriptEntry } from '../domain/transcript.ts';
import { createCheckpoints } from './checkpoints.ts';
import type { ClaimedRow } from './claim-job.ts';
import type { Database, Sql } from './database.ts';
import { patient } from './patience.ts';
import type { Queue } from './queue.ts';
import { type EventRow, eventOf, jobOf } from './rows.ts';
import { tell } from './wakes.ts';

/** What a holder needs to write, and how it hears that it holds nothing any more. */
export type Hold = {
  database: Database;
  queue: Queue;
  redact: <T>(value: T) => T;
  /** How long a write waits for a database that is away. */
  patienceMs: number;
  ending: AbortController;
  /** When nothing is to be written any more. */
  onLetGo(): void;
};

/** Does it in a transaction that nobody else can claim the job in; throws `lease_lost` when somebody has. */
export type Fenced = <T>(action: (sql: Sql) => Promise<T>) => Promise<T>;

/** What a claim gives: the job with all that earlier holders have stored of it. */
export const holdJob = async (claimed: ClaimedRow, hold: Hold): Promise<HeldJob> => {
  const { database, queue, redact, patienceMs, ending } = hold;
  const { id, fence, attempt } = claimed;
  const job: Job = jobOf(claimed);
  const earlier = await loadEarlier(database, claimed);
  const milestones = earlier.milestones;
  let lastEvent = claimed.last_event;
  let entries = earlier.entries.length;
  let inOrder: Promise<unknown> = Promise.resolve();

  const lose = (): never => {
    ending.abort(leaseLost());
    throw leaseLost();
  };
  /** One write after the other, each again when the database was away: so each must bear to be done twice. */
  const write = <T>(action: () => Promise<T>): Promise<T> => {
    const written = inOrder.then(() => patient(action, patienceMs));
    inOrder = written.catch(() => {});
    return written;
  };
  const fenced: Fenced = (action) =>
    write(() =>
      database.transaction(async (sql) => {
        const held = await sql.query(
          `SELECT 1 FROM jobs WHERE id = $1 AND fence = $2 AND state = 'running' FOR UPDATE`,
          [id, fence],
        );
        if (held.length === 0) lose();
        return action(sql);
      }),
    );

  const store = (entry: TranscriptEntry | undefined, fact: JobFact | undefined) => {
    const end = fact && endState(fact);
    const stored = fact && JSON.stringify(redact(fact));
    return write(async () => {
      const event = fact ? lastEvent + 1 : lastEvent;
      const values = [
        ...[id, fence, lastEvent, event, stored ?? null, end ?? null],
        ...[entries, entry === undefined ? null : JSON.stringify(entry)],
        ...[fact?.type ?? null, entry?.kind ?? null],
      ];
      const save = async (sql: Sql) => {
        const [saved] = await sql.query(storeStatement, values);
        if (saved === undefined && !(await isStored(sql, id, fence, event))) lose();
        if (fact) await sql.query(tell, [`event ${id}`]);
        if (end) await queue.done(sql, attempt);
        if (end) await sql.query(tell, ['queue']);
      };
      await database.transaction(save);
      lastEvent = event;
      if (entry) entries += 1;
    });
  };

  return {
    job,
    signal: ending.signal,
    earlierClaims: fence - 1,
    deaths: claimed.deaths,
    wasHandedOver: claimed.wasHandedOver,
    told: earlier.told,
    unfinished: earlier.unfinished,
    earlier: earlier.entries,
    save: store,
    append: (fact) => store(undefined, fact),
    async once<T>(name: string, action: () => Promise<T>) {
      if (milestones.has(name)) return milestones.get(name) as T;
      const value = await action();
      await fenced((sql) =>
        sql.query('INSERT INTO milestones VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
          ...[id, name, JSON.stringify(value)],
        ]),
      );
      milestones.set(name, value);
      return value;
    },
    known: <T>(name: string) => milestones.get(name) as T | undefined,
    checkLease: () => fenced(async () => {}),
    check: () =>
      fenced(async (sql) => {
        const [job] = await sql.query<{ cancel_requested: boolean }>(
          'SELECT cancel_requested FROM jobs WHERE id = $1',
          [id],
        );
        if (!job?.cancel_requested) return;
        ending.abort(cancelled());
        throw cancelled();
      }),
    checkpoints: createCheckpoints(id, database, fenced, patienceMs),
    sandbox: claimed.sandbox ?? undefined,
    ownSandbox: (containerId) =>
      fenced(async (sql) => {
        await sql.query(
          `INSERT INTO sandboxes VALUES ($1, $2, $3)
           ON CONFLICT (container_id) DO UPDATE SET job_id = $2, fence = $3`,
          [containerId, id, fence],
        );
      }),
    keepSandbox: (containerId) =>
      fenced(async (sql) => {
        await sql.query('UPDATE jobs SET sandbox = $2 WHERE id = $1', [id, containerId]);
      }),
    release: () =>
      fenced(async (sql) => {
        await sql.query('UPDATE jobs SET handed_over = true, lease_until = NULL WHERE id = $1', [id]);
        await queue.giveBack(sql, attempt);
        await sql.query(tell, ['queue']);
      }),
    async [Symbol.asyncDispose]() {
      hold.onLetGo();
      await inOrder;
    },
  };
};

/** Done again after its success, it finds another last event and changes nothing. */
const storeStatement = `
  WITH held AS (
    UPDATE jobs SET last_event = $4::int, state = coalesce($6::text, state),
      ended_at = CASE WHEN $6::text IS NULL THEN ended_at ELSE now() END
    WHERE id = $1 AND fence = $2::int AND state = 'running' AND last_event = $3::int
    RETURNING id
  ), event AS (
    INSERT INTO events SELECT id, $4::int, now(), $9::text, $5::json FROM held WHERE $5::json IS NOT NULL
  ), entry AS (
    INSERT INTO transcript SELECT id, $7::int, $10::text, $8::json, $4::int FROM held WHERE $8::json IS NOT NULL
    ON CONFLICT DO NOTHING
  )
  SELECT id FROM held`;

const isStored = async (sql: Sql, id: string, fence: number, event: number): Promise<boolean> => {
  const rows = await sql.query('SELECT 1 FROM jobs WHERE id = $1 AND fence = $2 AND last_event = $3', [
    ...[id, fence, event],
  ]);
  return rows.length > 0;
};

/** What was told of the reply by the last of those who asked for it and told anything. */
const lastAttempt = (facts: readonly JobFact[]): JobFact[] => {
  let attempt: JobFact[] = [];
  let before: JobFact[] = [];
  for (const fact of facts) {
    if (fact.type === 'Job: Resumed') {
      if (attempt.length > 0) before = attempt;
      attempt = [];
    } else if (fact.type === 'AI Message' || fact.type === 'AI Thinking') attempt.push(fact);
  }
  return attempt.length > 0 ? attempt : before;
};

export const cancelled = (): AppError => new AppError('cancelled', 'The job was cancelled.');

export const leaseLost = (): AppError =>
  new AppError('lease_lost', 'Another server has taken the job: this one was silent for too long.');

type Earlier = {
  entries: TranscriptEntry[];
  told: JobEvent[];
  unfinished: JobFact[];
  milestones: Map<string, unknown>;
};

const loadEarlier = async (sql: Sql, { id }: ClaimedRow): Promise<Earlier> => {
  const entries = await sql.query<{ entry: TranscriptEntry; after_event: number }>(
    'SELECT entry, after_event FROM transcript WHERE job_id = $1 ORDER BY number',
    [id],
  );
  const told = await sql.query<EventRow>(
    `SELECT number, at, fact FROM events WHERE job_id = $1 AND type <> 'Tool: Output' ORDER BY number`,
    [id],
  );
  const milestones = await sql.query<{ name: string; value: unknown }>(
    'SELECT name, value FROM milestones WHERE job_id = $1',
    [id],
  );
  const finished = entries.at(-1)?.after_event ?? 0;
  return {
    entries: entries.map(({ entry }) => entry),
    told: told.map(eventOf),
    unfinished: lastAttempt(told.filter(({ number }) => number > finished).map(({ fact }) => fact)),
    milestones: new Map(milestones.map(({ name, value }) => [name, value])),
  };
};
