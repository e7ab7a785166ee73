import { AppError } from '../domain/errors.ts';
import type { JobStore } from '../domain/job.ts';
import type { JobEvent } from '../domain/job-event.ts';
import { loadCheckpoint } from './checkpoints.ts';
import type { Database } from './database.ts';
import { createEventWaits } from './event-waits.ts';
import { impatient } from './patience.ts';
import { type EventRow, eventOf, type JobRow, jobColumns, jobOf } from './rows.ts';
import type { Wakes } from './wakes.ts';

/** A container by its id, the job that its label names, and the process that has made it. */
export type KnownContainer = { containerId: string; jobId: string; processId: string };

type Reads = Pick<
  JobStore,
  'find' | 'list' | 'eventsAfter' | 'lastEvent' | 'waitForEvents' | 'checkpoint'
> & {
  ping(): Promise<void>;
  sandboxUse(container: KnownContainer): Promise<'wanted' | 'over' | 'unknown'>;
};

/** A reader that stalls keeps what it has not taken of a page for as long as the server waits for it. */
const pageMax = { events: 50, bytes: 64 * 1024 };

/** One event at least, however large. */
const pageStatement = `
  SELECT number, at, fact FROM (
    SELECT *, sum(octet_length(fact::text)) OVER (ORDER BY number) - octet_length(fact::text) AS bytes_before
    FROM (SELECT number, at, fact FROM events WHERE job_id = $1 AND number > $2 ORDER BY number LIMIT $3) AS next
  ) AS measured
  WHERE bytes_before < $4 ORDER BY number`;

/** What anybody may ask of the store, on any server. */
export const createReads = (database: Database, wakes: Wakes, redact: <T>(value: T) => T): Reads => {
  const asked = new Map<string, Promise<JobEvent[]>>();
  const visible = (row: JobRow) => redact(jobOf(row));

  const readEvents = async (jobId: string, after: number, limit: number): Promise<JobEvent[]> => {
    const rows = await impatient(() =>
      database.query<EventRow>(
        'SELECT number, at, fact FROM events WHERE job_id = $1 AND number > $2 ORDER BY number LIMIT $3',
        [jobId, after, limit],
      ),
    );
    return withGap(rows.map(eventOf), after);
  };

  /** An event wakes all who watch its job, and they ask the same at the same moment: one answer is enough for them. */
  const eventsAfter = (jobId: string, after: number, limit: number): Promise<JobEvent[]> => {
    const question = `${jobId} ${after} ${limit}`;
    const known = asked.get(question);
    if (known) return known;
    const answer = readEvents(jobId, after, limit).finally(() => asked.delete(question));
    asked.set(question, answer);
    return answer;
  };

  const lookForEvents = async (jobId: string, after: number): Promise<JobEvent[]> => {
    const rows = await impatient(() =>
      database.query<EventRow>(pageStatement, [jobId, after, pageMax.events, pageMax.bytes]),
    ).catch((error: unknown) => {
      // Whoever watches waits with the jobs until the database is back.
      if (error instanceof AppError && error.code === 'store_unavailable') return [];
      throw error;
    });
    return withGap(rows.map(eventOf), after);
  };

  return {
    eventsAfter,
    find: (jobId) =>
      impatient(async () => {
        const [row] = await database.query<JobRow>(`SELECT ${jobColumns} FROM jobs WHERE id = $1`, [jobId]);
        return row && visible(row);
      }),
    list: ({ keyId, state, before, limit }) =>
      impatient(async () => {
        const rows = await database.query<JobRow>(
          `SELECT ${jobColumns} FROM jobs
           WHERE ($1::boolean OR coalesce(key_id, '') = $2)
             AND ($3::text IS NULL OR state = $3)
             AND ($4::text IS NULL OR place < (SELECT place FROM jobs WHERE id = $4))
           ORDER BY place DESC LIMIT $5`,
          [keyId === undefined, keyId ?? '', state ?? null, before ?? null, limit],
        );
        return rows.map(visible);
      }),
    lastEvent: (jobId) =>
      impatient(async () => {
        const [row] = await database.query<EventRow>(
          'SELECT number, at, fact FROM events WHERE job_id = $1 ORDER BY number DESC LIMIT 1',
          [jobId],
        );
        return row && eventOf(row);
      }),
    waitForEvents: createEventWaits(wakes, lookForEvents),
    checkpoint: (jobId) => impatient(() => loadCheckpoint(jobId, database)),
    async ping() {
      await database.query('SELECT 1');
    },
    sandboxUse: ({ containerId, jobId, processId }) =>
      impatient(async () => {
        // One that was never told to be the job's is of use to the process that is just starting it, if to anybody.
        const [use] = await database.query<{ wanted: boolean }>(
          `SELECT state = 'running' AND CASE
             WHEN container_id IS NULL THEN process_id = $3
             ELSE sandbox IS NOT DISTINCT FROM container_id OR jobs.fence = sandboxes.fence END AS wanted
           FROM jobs LEFT JOIN sandboxes ON container_id = $1
           WHERE jobs.id = coalesce(sandboxes.job_id, $2)`,
          [containerId, jobId, processId],
        );
        if (use === undefined) return 'unknown';
        return use.wanted ? 'wanted' : 'over';
      }),
  };
};

/** Events have numbers without a gap: what is missing behind the cursor is not kept any more, and said to be so. */
const withGap = (events: JobEvent[], after: number): JobEvent[] => {
  const [first] = events;
  if (first === undefined || first.id === after + 1) return events;
  const to = first.id - 1;
  return [{ type: 'Stream: Gap', from: after + 1, to, id: to, at: first.at }, ...events];
};
