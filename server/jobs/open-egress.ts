import type { DenialReport, Egress, EgressDenial, OpenEgress } from '../domain/egress.ts';
import type { Emit } from '../domain/job-event.ts';
import type { Base } from '../domain/repository.ts';
import type { Progress } from './progress.ts';

/** A way of the job's to other hosts than its repository, with an event for each refusal and the count in its end. */
export const openEgress = (
  base: Base,
  way: { openEgress: OpenEgress; emit: Emit; progress: Progress },
): Egress => {
  const earlier = way.progress.denials;
  const egress = way.openEgress(base, (denial) => {
    if (earlier().distinct.some(isSame(denial))) return;
    // After the job's end nobody is there to be told.
    way.emit({ type: 'Egress: Denied', ...denial }).catch(() => {});
  });
  way.progress.denials = () => plus(earlier(), egress.denials());
  return egress;
};

const isSame = (one: EgressDenial) => (other: EgressDenial) =>
  one.host === other.host && one.port === other.port && one.reason === other.reason;

/** What was refused before, by this server or another one or while setup commands ran, and since then. */
const plus = (before: DenialReport, since: DenialReport): DenialReport => {
  const known = before.distinct.map((denial) => {
    const again = since.distinct.find(isSame(denial));
    return { ...denial, count: denial.count + (again?.count ?? 0) };
  });
  const added = since.distinct.filter((denial) => !before.distinct.some(isSame(denial)));
  return { total: before.total + since.total, distinct: [...known, ...added] };
};
