/** Whoever may use the API, and how much of it. Jobs belong to the key that asked for them. */
export type ApiKey = {
  /** Stands in jobs and logs, and helps nobody to guess the key. */
  id: string;
  name: string;
  /** Jobs that run at once and jobs in an hour; null for what the server allows every key. */
  runningMax: number | null;
  jobsPerHourMax: number | null;
  /** Patterns, `owner/name` or `owner/*`; null for whatever the server’s token can reach. */
  repositories: readonly string[] | null;
};

/** A key as the database has it: what it was made of is known to its owner alone. */
export type StoredApiKey = ApiKey & {
  /** SHA-256 of the whole key. */
  digest: Uint8Array;
  /** ISO 8601, UTC. */
  createdAt: string;
  revokedAt: string | null;
};

export const keyText = (id: string, secret: string): string => `tb_${id}_${secret}`;
