import type { ChangedFile } from '../../domain/changeset.ts';
import type { CheckMoment, CheckRun, PlannedCheck } from '../../domain/checks/evidence.ts';
import { AppError } from '../../domain/errors.ts';
import type { Walk } from '../ports.ts';
import { type CheckGround, openCheckSandbox } from './check-sandbox.ts';
import { type CheckLimits, noTime, notRunByServer, runCheck } from './run-check.ts';

/** How often no sandbox for checks may be had before those that are left count as not run. */
const failuresMax = 2;

/**
 * Runs the checks one after the other in a fresh sandbox with these changes; behind one that has cost the sandbox, in
 * another one. As many runs as checks come back, in their order. A job is not lost for want of a sandbox for its checks:
 * then they could not run.
 */
export const runChecks = async (
  ground: CheckGround,
  {
    checks,
    changes,
    when,
  }: { checks: readonly PlannedCheck[]; changes: readonly ChangedFile[]; when: CheckMoment },
  way: Pick<Walk, 'sandboxes' | 'github' | 'emit' | 'log'>,
  limits: CheckLimits,
  signal: AbortSignal,
): Promise<CheckRun[]> => {
  const runs: CheckRun[] = [];
  const use = when === 'before' ? 'before' : 'after';

  const tell = async (command: string, action: () => Promise<CheckRun>) => {
    await way.emit({ type: 'Check: Started', command, when });
    const run = await action();
    runs.push(run);
    const { isServersFault: _, ...told } = run;
    await way.emit({ type: 'Check: Finished', command, when, ...told });
  };
  const left = () => checks.slice(runs.length);
  // A setup without end must not take the time of the pull request.
  using inTime = untilTime(limits.endsAt, signal);

  for (let failures = 0; left().length > 0; ) {
    try {
      await using open = await openCheckSandbox(ground, changes, use, way, inTime.signal);
      for (const check of left()) {
        await tell(check.command, () => runCheck(check, open, limits, signal));
        if (open.sandbox.lost.aborted) break;
      }
    } catch (thrown) {
      if (!isOfTheSandbox(thrown, signal)) throw thrown;
      failures += 1;
      way.log.warn({ jobId: ground.held.job.id, err: thrown }, 'there was no sandbox for checks');
      if (failures <= failuresMax && !inTime.signal.aborted) continue;
      const run = inTime.signal.aborted ? notRunByServer(noTime) : withoutSandbox(thrown);
      for (const { command } of left()) await tell(command, async () => run);
    }
  }
  return runs;
};

/** Neither our own defect, nor the end of the job or of our hold on it. */
const isOfTheSandbox = (thrown: unknown, signal: AbortSignal): thrown is AppError =>
  !signal.aborted && thrown instanceof AppError && !['internal', 'lease_lost'].includes(thrown.code);

const withoutSandbox = ({ message }: AppError): CheckRun =>
  notRunByServer(`There was no sandbox for it: ${message}`);

/** Aborts with an error of the sandbox's when the time is over, and with the signal's own when that aborts. */
const untilTime = (endsAt: number, signal: AbortSignal): Disposable & { signal: AbortSignal } => {
  const controller = new AbortController();
  const giveUp = () => controller.abort(new AppError('time_limit', noTime));
  const timer = setTimeout(giveUp, Math.max(0, endsAt - Date.now()));
  return {
    signal: AbortSignal.any([signal, controller.signal]),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
};
