import type { HeldJob } from '../../../server/domain/job.ts';
import type { JobEvent, JobFact } from '../../../server/domain/job-event.ts';
import type { StoreOptions } from '../../../server/store/store.ts';
import { sharedCluster } from './shared.ts';
import { openTestStore, soon, type TestStore } from './store.ts';

/** A store whose jobs the test itself holds and writes to, in the worker's place. */
export type DrivenStore = TestStore & {
  /** Claims the oldest, to be written to by `append`. */
  take(): Promise<HeldJob>;
  append(jobId: string, fact: JobFact): Promise<JobEvent>;
};

export const openDrivenStore = async (options: Partial<StoreOptions> = {}): Promise<DrivenStore> => {
  const store = await openTestStore(await sharedCluster(), options);
  const held = new Map<string, HeldJob>();
  return {
    ...store,
    async take() {
      const job = await store.claim(soon());
      held.set(job.job.id, job);
      return job;
    },
    async append(jobId, fact) {
      await held.get(jobId)?.append(fact);
      const last = await store.lastEvent(jobId);
      if (last === undefined) throw new Error(`There is no job ${jobId}.`);
      return last;
    },
  };
};
