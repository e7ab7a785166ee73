import type { JobClaims } from '../../../server/domain/job.ts';
import { createRedactor } from '../../../server/domain/redact.ts';
import type { Database } from '../../../server/store/database.ts';
import { openPostgres } from '../../../server/store/postgres.ts';
import { openStore, type Store, type StoreOptions } from '../../../server/store/store.ts';
import { queuedFact, queuedJob, recordingLog } from '../jobs.ts';
import type { Cluster } from './cluster.ts';

export const storeSettings = {
  runningMax: 100,
  runningPerKeyMax: 100,
  queuedMax: 100,
  jobsPerHourMax: 1000,
  isWorker: true,
  patienceMs: 20_000,
  keptMs: 86_400_000,
};

/** A store as one server process has it, with its claims. */
export type TestStore = Store & JobClaims & { database: Database; create1(id: string): Promise<void> };

export const openTestDatabase = (url: string, silenceMs = 10_000): Database =>
  openPostgres({
    ...{ url, connectionsMax: 10, connectMs: 2000, statementMs: 10_000, silenceMs, log: recordingLog() },
  });

let processes = 0;

/** On a database of its own, or on the one at `url`, which others may have open, too. */
export const openTestStore = async (
  cluster: Cluster,
  { url, serverId = 'server', ...options }: Partial<StoreOptions> & { url?: string; serverId?: string } = {},
): Promise<TestStore> => {
  const database = openTestDatabase(url ?? (await cluster.createDatabase()));
  const log = options.log ?? recordingLog();
  const redact = options.redact ?? createRedactor([]).deep;
  const store = await openStore(database, { ...storeSettings, ...options, redact, log });
  const claims = await store.openClaims({ serverId, processId: `process-${processes++}` });
  return {
    ...store,
    ...claims,
    database,
    create1: async (id) => void (await store.create(queuedJob(id), queuedFact(id))),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
};

export const soon = () => AbortSignal.timeout(10_000);

/** All that was told of the job, without the number and the moment. */
export const factsOf = async (store: Pick<Store, 'eventsAfter'>, jobId: string) =>
  (await store.eventsAfter(jobId, 0, 10_000)).map(({ id: _, at: __, ...fact }) => fact);
