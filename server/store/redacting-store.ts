import type { JobStore } from '../domain/job.ts';
import type { Redactor } from '../domain/redact.ts';

/**
 * No secret comes out of this store but to the worker: whatever reads events and jobs later (streams, page, traces)
 * needs no care of its own. A claimed job is as it was sent, since the model is to read the prompt that its user wrote.
 */
export const createRedactingStore = (store: JobStore, redactor: Redactor): JobStore => ({
  ...store,
  create: (job, first) => store.create(job, redactor.deep(first)),
  find: async (jobId) => redactor.deep(await store.find(jobId)),
  append: (jobId, fact) => store.append(jobId, redactor.deep(fact)),
});
