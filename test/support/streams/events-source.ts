import type { HeldJob } from '../../../server/domain/job.ts';
import { resultFact } from '../jobs.ts';
import { sharedCluster } from '../postgres/shared.ts';
import { openTestStore, soon } from '../postgres/store.ts';
import { startServerProcess } from '../server-process.ts';

/** A server process that serves the API alone, and running jobs on its database whose holder is the caller. */
export const startSource = async (jobCount: number, settings: Record<string, string> = {}) => {
  await using stack = new AsyncDisposableStack();
  const url = await (await sharedCluster()).createDatabase();
  const store = stack.use(await openTestStore(await sharedCluster(), { url }));
  const jobs: HeldJob[] = [];
  for (let n = 0; n < jobCount; n += 1) {
    await store.create1(`job-${n}`);
    jobs.push(await store.claim(soon()));
  }
  const server = stack.use(
    await startServerProcess({
      ...{ ROLE: 'web', DATABASE_URL: url, REQUESTS_PER_MINUTE_MAX: '1000000', STREAMS_PER_KEY_MAX: '10000' },
      ...settings,
    }),
  );
  const owned = stack.move();
  return {
    ...{ server, store, jobs },
    ids: jobs.map(({ job }) => job.id),
    /** The terminal events of all jobs. */
    async end() {
      for (const job of jobs) await job.append(resultFact('succeeded'));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};
