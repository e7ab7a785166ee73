import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Database } from './database.ts';

const directory = path.join(import.meta.dirname, 'migrations');

/** One number for all servers of ours on a database: whoever has it changes the tables, and the others wait. */
const lock = 7_300_501;

/**
 * Brings the tables to what this server knows, by the numbered files in `migrations/`, each of them once and all in one
 * transaction. Throws when the database is newer than this server.
 */
export const migrate = async (database: Database): Promise<void> => {
  const migrations = (await readdir(directory)).filter((file) => file.endsWith('.sql')).sort();
  const steps = await Promise.all(
    migrations.map(async (file) => ({
      number: Number(file.slice(0, 3)),
      text: await readFile(path.join(directory, file), 'utf8'),
    })),
  );
  await database.transaction(async (sql) => {
    await sql.query('SELECT pg_advisory_xact_lock($1)', [lock]);
    await sql.query(
      'CREATE TABLE IF NOT EXISTS migrations (number int PRIMARY KEY, at timestamptz NOT NULL)',
    );
    const [{ last } = { last: 0 }] = await sql.query<{ last: number }>(
      'SELECT coalesce(max(number), 0) AS last FROM migrations',
    );
    const newest = steps.at(-1)?.number ?? 0;
    if (last > newest) {
      throw new Error(
        `The database is at migration ${last}; this server knows ${newest}: update the server.`,
      );
    }
    for (const { number, text } of steps.filter((step) => step.number > last)) {
      await sql.query(text);
      await sql.query('INSERT INTO migrations VALUES ($1, now())', [number]);
    }
  });
};
