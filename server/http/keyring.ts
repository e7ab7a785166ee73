import { createHash, timingSafeEqual } from 'node:crypto';
import { type ApiKey, keyIdIn, type StoredApiKey } from '../domain/api-key.ts';

/** The keys that this server takes: those of its settings, and those in the database. */
export type Keyring = {
  /** Brings it up to date with the database, unless that was done a moment ago. */
  refresh(): Promise<void>;
  /** Whether there was never a key. Once there was one, to revoke the last lets nobody in. */
  isEmpty(): boolean;
  /** How many keys are valid. */
  size(): number;
  /** undefined when it is none of ours, or was revoked. */
  find(token: string): ApiKey | undefined;
  isValid(keyId: string): boolean;
};

export type KeyringOptions = {
  /** The setting API_KEYS. */
  fromSettings: readonly string[];
  readStored(): Promise<readonly StoredApiKey[]>;
  /** How long a revoked key may still be taken. */
  freshMs: number;
};

/**
 * All keys are held in memory, so that a flood of wrong ones costs no question to the database. While that is away the
 * last known ones go on: a key opens nothing then, since all that it opens is in the database. Rejects when it is away
 * at the beginning.
 */
export const openKeyring = async ({
  fromSettings,
  readStored,
  freshMs,
}: KeyringOptions): Promise<Keyring> => {
  const settings = fromSettings.map(keyOfSetting);
  let stored: ReadonlyMap<string, StoredApiKey> = new Map();
  let readAt = 0;
  let reading: Promise<void> | undefined;

  const read = async () => {
    const startedAt = performance.now();
    stored = new Map((await readStored()).map((key) => [key.id, key]));
    readAt = startedAt;
  };
  await read();

  const valid = () => [...stored.values()].filter(({ revokedAt }) => revokedAt === null);
  return {
    async refresh() {
      if (performance.now() < readAt + freshMs) return;
      reading ??= read().finally(() => {
        reading = undefined;
      });
      await reading.catch(() => {});
    },
    isEmpty: () => settings.length + stored.size === 0,
    size: () => settings.length + valid().length,
    find(token) {
      const digest = sha256(token);
      const ofSettings = settings.reduce<ApiKey | undefined>(
        (found, { key, digest: own }) => (timingSafeEqual(own, digest) ? key : found),
        undefined,
      );
      // The id is no secret. Behind it every request is compared once, whether there is such a key or not.
      const candidate = stored.get(keyIdIn(token) ?? '');
      const isIt = timingSafeEqual(candidate?.digest ?? nobodys, digest);
      return ofSettings ?? (isIt && candidate?.revokedAt === null ? candidate : undefined);
    },
    isValid: (keyId) => settings.some(({ key }) => key.id === keyId) || stored.get(keyId)?.revokedAt === null,
  };
};

/** Its id is made of the key, so that jobs keep their owner when the list of keys changes its order. */
const keyOfSetting = (text: string): { key: ApiKey; digest: Buffer } => ({
  key: {
    id: `setting-${sha256(`the id of ${text}`).toString('hex').slice(0, 12)}`,
    name: 'API_KEYS',
    runningMax: null,
    jobsPerHourMax: null,
    repositories: null,
  },
  digest: sha256(text),
});

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

const nobodys = Buffer.alloc(32);
