import path from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import type { Database, Sql } from './database.ts';
import { lockDirectory } from './directory-lock.ts';

/**
 * PostgreSQL inside this process, its files in a directory: for trying out and development. It outlives the process's
 * death, but not a power cut, since it never waits for the disk. Throws DirectoryInUse.
 */
export const openPGlite = async (directory: string): Promise<Database> => {
  const lock = await lockDirectory(directory);
  const db = await PGlite.create(path.join(directory, 'database')).catch(async (error: unknown) => {
    await lock[Symbol.asyncDispose]();
    throw error;
  });

  const on = (at: Pick<PGlite, 'query' | 'exec'>): Sql => ({
    query: async <Row>(text: string, values?: readonly unknown[]): Promise<Row[]> => {
      // One statement with parameters, or any number without: the protocol knows no mixture.
      if (values !== undefined) return (await at.query<Row>(text, [...values])).rows;
      return (await at.exec(text)).flatMap(({ rows }) => rows as Row[]);
    },
  });

  return {
    backend: 'pglite',
    query: async (text, values) => {
      try {
        return await on(db).query(text, values);
      } catch (error) {
        // It has one connection: a BEGIN in the text must not outlive its failure.
        await db.exec('ROLLBACK').catch(() => {});
        throw error;
      }
    },
    transaction: (action) => db.transaction((tx) => action(on(tx))),
    async listen(channel, onNotify, onGap) {
      const unlisten = await db.listen(channel, onNotify);
      onGap();
      return { [Symbol.asyncDispose]: () => unlisten() };
    },
    async [Symbol.asyncDispose]() {
      await db.close();
      await lock[Symbol.asyncDispose]();
    },
  };
};
