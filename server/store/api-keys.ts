import { createHash, randomBytes } from 'node:crypto';
import { type ApiKey, keyText, type StoredApiKey } from '../domain/api-key.ts';
import type { Database } from './database.ts';
import { impatient } from './patience.ts';

/** The API keys in the database, which all servers on it share. */
export type ApiKeys = {
  /** Makes a key and gives back its text, which is nowhere else; undefined when the name is in use. */
  add(key: Omit<ApiKey, 'id'>): Promise<string | undefined>;
  /** The revoked ones, too; the oldest first. */
  list(): Promise<StoredApiKey[]>;
  /** False when there is no such key that is valid. */
  revoke(name: string): Promise<boolean>;
};

export const createApiKeys = (database: Database): ApiKeys => ({
  add: ({ name, runningMax, jobsPerHourMax, repositories }) =>
    impatient(async () => {
      const id = randomBytes(6).toString('hex');
      const text = keyText(id, randomBytes(24).toString('hex'));
      const added = await database.query(
        `INSERT INTO api_keys VALUES ($1, $2, $3, $4, $5, $6, now(), NULL)
         ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING RETURNING id`,
        [
          ...[id, name, createHash('sha256').update(text).digest()],
          ...[runningMax, jobsPerHourMax, repositories && JSON.stringify(repositories)],
        ],
      );
      return added.length === 0 ? undefined : text;
    }),
  list: () =>
    impatient(async () => {
      const rows = await database.query<Row>('SELECT * FROM api_keys ORDER BY created_at, id');
      return rows.map(keyOf);
    }),
  revoke: (name) =>
    impatient(async () => {
      const revoked = await database.query(
        'UPDATE api_keys SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL RETURNING id',
        [name],
      );
      return revoked.length > 0;
    }),
});

type Row = {
  id: string;
  name: string;
  digest: Uint8Array;
  running_max: number | null;
  jobs_per_hour_max: number | null;
  repositories: string[] | null;
  created_at: Date;
  revoked_at: Date | null;
};

const keyOf = (row: Row): StoredApiKey => ({
  id: row.id,
  name: row.name,
  digest: row.digest,
  runningMax: row.running_max,
  jobsPerHourMax: row.jobs_per_hour_max,
  repositories: row.repositories,
  createdAt: row.created_at.toISOString(),
  revokedAt: row.revoked_at?.toISOString() ?? null,
});
