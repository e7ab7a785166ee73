import type { RepositoryName } from './repository.ts';
import { parseRepositoryUrl } from './repository-url.ts';

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

const keyGrammar = /^tb_([0-9a-f]{12})_[0-9a-f]{48}$/;

export const keyText = (id: string, secret: string): string => `tb_${id}_${secret}`;

/** The part of a key by which it is found; undefined when this is none of those that we make. */
export const keyIdIn = (text: string): string | undefined => keyGrammar.exec(text)?.[1];

/** GitHub’s names have no upper and lower case of their own. */
export const mayUse = ({ repositories }: ApiKey, { owner, name }: RepositoryName): boolean =>
  repositories === null ||
  repositories.some((pattern) =>
    [`${owner}/*`, `${owner}/${name}`].some((one) => one.toLowerCase() === pattern.toLowerCase()),
  );

/** Whether the text is a pattern that a repository can match. */
export const isRepositoryPattern = (text: string): boolean => {
  const [owner = '', name = '', ...rest] = text.split('/');
  const example = `${owner}/${name === '*' ? 'any' : name}`;
  return (
    rest.length === 0 &&
    !name.toLowerCase().endsWith('.git') &&
    !('problem' in parseRepositoryUrl(`https://github.com/${example}`, 'https://github.com'))
  );
};
