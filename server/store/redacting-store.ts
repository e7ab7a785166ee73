import type { JobStore } from '../domain/job.ts';
import type { Redactor } from '../domain/redact.ts';

/** A store that no secret reaches: whatever reads events later (streams, page, traces) needs no care of its own. */
export const createRedactingStore = (store: JobStore, redactor: Redactor): JobStore => ({
  ...store,
  create: (job, first) => store.create(redactor.deep(job), redactor.deep(first)),
  append: (jobId, fact) => store.append(jobId, redactor.deep(fact)),
});
