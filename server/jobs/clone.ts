import type { Egress } from '../domain/egress.ts';
import type { CloneProgress, GitHub } from '../domain/github.ts';
import type { Emit } from '../domain/job-event.ts';
import type { Base } from '../domain/repository.ts';
import type { Sandbox, WayOut } from '../domain/sandbox.ts';

/** Git's progress comes far more often than anybody can read it: one event in so many milliseconds. */
const progressMs = 500;

export const clone = async (
  sandbox: Sandbox,
  egress: Egress,
  base: Base,
  way: { github: Pick<GitHub, 'clone'>; emit: Emit },
  signal: AbortSignal,
): Promise<void> => {
  const started = performance.now();
  let toldAt = started;
  let telling = Promise.resolve();
  let bytes = 0;
  const tell = (at: CloneProgress) => {
    bytes = at.bytes;
    if (performance.now() - toldAt < progressMs) return;
    toldAt = performance.now();
    telling = telling.then(() => way.emit({ type: 'Git: Clone', ...at }));
    telling.catch(() => {});
  };
  await way.emit({ type: 'Git: Clone', phase: 'Starting', percent: 0 });
  await way.github.clone(guarded(sandbox, egress), base, tell, signal);
  await telling;
  const ms = Math.round(performance.now() - started);
  const { commit, branch } = base;
  await way.emit({ type: 'Git: Clone', phase: 'done', percent: 100, bytes, commit, branch, ms });
};

/** What leaves it for the repository's host passes the egress, which has its own decision about all else. */
export const guarded = (sandbox: Sandbox, egress: Egress): Sandbox => ({
  ...sandbox,
  openWayOut: (gateway: WayOut) => sandbox.openWayOut(egress.guard(gateway)),
});
