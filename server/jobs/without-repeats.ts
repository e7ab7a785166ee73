import type { HeldJob } from '../domain/job.ts';
import type { Emit, JobFact } from '../domain/job-event.ts';

/** Steps that a job takes once, whoever takes them: doing one of them again changes nothing, and tells nothing. */
const once: ReadonlySet<JobFact['type']> = new Set([
  'Job: Started',
  'Repository: Explored',
  'Git: Branch',
  'Git: Commit',
  'Git: Push',
  'PR: Created',
]);

/** Tells the job's facts to its watchers, but none of these steps a second time. */
export const withoutRepeats = ({ told, append }: Pick<HeldJob, 'told' | 'append'>): Emit => {
  const types = new Set(told.map(({ type }) => type));
  return async (fact) => {
    if (once.has(fact.type) && types.has(fact.type)) return;
    types.add(fact.type);
    await append(fact);
  };
};
