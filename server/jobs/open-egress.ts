import type { Egress, OpenEgress } from '../domain/egress.ts';
import type { Emit } from '../domain/job-event.ts';
import type { Base } from '../domain/repository.ts';
import type { Progress } from './progress.ts';

/** The job's way to other hosts than its repository, with an event for each refusal and the count in its end. */
export const openEgress = (
  base: Base,
  way: { openEgress: OpenEgress; emit: Emit; progress: Progress },
): Egress => {
  const egress = way.openEgress(base, (denial) => {
    // After the job's end nobody is there to be told.
    way.emit({ type: 'Egress: Denied', ...denial }).catch(() => {});
  });
  way.progress.denials = egress.denials;
  return egress;
};
