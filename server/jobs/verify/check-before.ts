import type { CheckRun, PlannedCheck } from '../../domain/checks/evidence.ts';
import type { Walk } from '../ports.ts';
import type { CheckGround } from './check-sandbox.ts';
import type { CheckLimits } from './run-check.ts';
import { runChecks } from './run-checks.ts';

/** What the checks say of the base, while the agent works. Disposed, it stops, and its sandbox is gone. */
export type Before = AsyncDisposable & { runs: Promise<readonly CheckRun[]> };

export const startChecksBefore = (
  ground: CheckGround,
  checks: readonly PlannedCheck[],
  way: Pick<Walk, 'sandboxes' | 'github' | 'emit' | 'log' | 'step'>,
  limits: CheckLimits,
  signal: AbortSignal,
): Before => {
  const stopping = new AbortController();
  const either = AbortSignal.any([signal, stopping.signal]);
  const runs = ground.held.once('checks before', async () => {
    if (checks.length === 0) return [];
    return way.step('checks before', () =>
      runChecks(ground, { checks, changes: [], when: 'before' }, way, limits, either),
    );
  });
  // Whoever needs them hears of a failure; a job that ends before that does not.
  runs.catch(() => {});
  return {
    runs,
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error('The job has ended.'));
      await runs.catch(() => {});
    },
  };
};
