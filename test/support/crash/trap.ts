import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/**
 * Holds a server's transaction in the moment of its commit, by triggers in the server's database: what the server does
 * is what it always does. Then the write either lands, though the server does not live to hear of it, or is lost.
 */
export type Trap = AsyncDisposable & {
  /** From now on the nth write of this kind is held. */
  arm(write: string, nth: number): Promise<void>;
  /** Resolves with what to do next when it is about to be committed. */
  caught(signal: AbortSignal): Promise<Caught>;
  disarm(): Promise<void>;
  query<Row>(text: string, values?: unknown[]): Promise<Row[]>;
};
/** `by` is the application's name of the connection that is held. */
export type Caught = { by: string; land(): Promise<void>; lose(): Promise<void> };

const lock = 4242;

const triggers = `
  CREATE SCHEMA trap;
  CREATE TABLE trap.armed (write text, nth bigint);
  CREATE SEQUENCE trap.passed;
  CREATE FUNCTION trap.spring() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE
    passing text := CASE TG_TABLE_NAME
      WHEN 'events' THEN 'event ' || (to_json(NEW)->>'type')
      WHEN 'transcript' THEN 'transcript ' || (to_json(NEW)->>'kind')
      WHEN 'milestones' THEN 'milestone ' || (to_json(NEW)->>'name')
      WHEN 'checkpoints' THEN 'checkpoint'
      WHEN 'sandboxes' THEN 'sandbox started'
      WHEN 'jobs' THEN CASE
        WHEN TG_OP = 'INSERT' THEN 'job accepted'
        WHEN to_json(NEW)->>'fence' <> to_json(OLD)->>'fence' THEN 'claim'
        WHEN to_json(NEW)->>'sandbox' IS DISTINCT FROM to_json(OLD)->>'sandbox' THEN 'sandbox kept'
        WHEN to_json(NEW)->>'lease_until' IS DISTINCT FROM to_json(OLD)->>'lease_until' THEN 'lease renewed'
        ELSE 'other' END
      END;
  BEGIN
    -- The number outlives a rollback, so that a write is not counted twice for being lost.
    IF EXISTS (SELECT FROM trap.armed WHERE armed.write = passing) THEN
      IF nextval('trap.passed') = (SELECT nth FROM trap.armed) THEN
        PERFORM pg_advisory_xact_lock(${lock});
      END IF;
    END IF;
    RETURN NULL;
  END $$;`;

const tables = ['jobs', 'events', 'transcript', 'milestones', 'checkpoints', 'sandboxes'];

/** Deferred, so that it is the last that happens before the commit. */
const triggerOn = (table: string): string =>
  `CREATE CONSTRAINT TRIGGER trap AFTER INSERT OR UPDATE ON ${table}
   DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trap.spring();`;

/** In a database whose tables are there. */
export const setTrap = async (url: string): Promise<Trap> => {
  const holder = new Client({ connectionString: url });
  const watcher = new Client({ connectionString: url });
  await Promise.all([holder.connect(), watcher.connect()]);
  await watcher.query(triggers + tables.map(triggerOn).join('\n'));
  await holder.query('SELECT pg_advisory_lock($1)', [lock]);
  /** What is held already lands. */
  const disarm = async () => {
    await watcher.query('DELETE FROM trap.armed');
    await holder.query('SELECT pg_advisory_unlock($1)', [lock]);
    await holder.query('SELECT pg_advisory_lock($1)', [lock]);
  };

  return {
    disarm,
    async query<Row>(text: string, values: unknown[] = []) {
      return (await watcher.query(text, values)).rows as Row[];
    },
    async arm(write, nth) {
      await disarm();
      await watcher.query(`ALTER SEQUENCE trap.passed RESTART`);
      await watcher.query('INSERT INTO trap.armed VALUES ($1, $2)', [write, nth]);
    },
    async caught(signal) {
      for (;;) {
        signal.throwIfAborted();
        const { rows } = await watcher.query(
          `SELECT pid, application_name AS by FROM pg_locks JOIN pg_stat_activity USING (pid)
           WHERE locktype = 'advisory' AND objid = $1 AND NOT granted`,
          [lock],
        );
        const [held] = rows as { pid: number; by: string }[];
        if (held) return letting(held);
        await sleep(5);
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([holder.end(), watcher.end()]);
    },
  };

  function letting({ pid, by }: { pid: number; by: string }): Caught {
    return {
      by,
      land: disarm,
      async lose() {
        await watcher.query('SELECT pg_terminate_backend($1, 5000)', [pid]);
        await disarm();
      },
    };
  }
};
