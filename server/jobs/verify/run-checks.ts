import type { ChangedFile } from '../../domain/changeset.ts';
import type { CheckMoment, CheckRun, PlannedCheck } from '../../domain/checks/evidence.ts';
import { AppError } from '../../domain/errors.ts';
import type { Walk } from '../ports.ts';
import { type CheckGround, openCheckSandbox } from './check-sandbox.ts';
import { type CheckLimits, noTime, notRunByServer, runCheck } from './run-check.ts';

/** It may be the engine's doing that there is no sandbox, or none any more: what happens again is as it seems. */
const attemptsMax = 2;

/**
 * Runs the checks one after the other, each in a fresh sandbox with these changes: code that one of them runs cannot
 * decide what the next one finds. As many runs as checks come back, in their order. A job is not lost for want of a
 * sandbox for its checks: then they could not run.
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
  const use = when === 'before' ? 'before' : 'after';
  // A setup without end must not take the time of the pull request.
  using inTime = untilTime(limits.endsAt, signal);

  const runInSandbox = async (check: PlannedCheck): Promise<CheckRun> => {
    await using open = await openCheckSandbox(ground, changes, use, way, inTime.signal);
    // Awaited, or the sandbox would be gone while the check runs.
    return await runCheck(check, open, limits, signal);
  };
  const run = async (check: PlannedCheck): Promise<CheckRun> => {
    for (let attempt = 1; ; attempt += 1) {
      if (inTime.signal.aborted && !signal.aborted) return notRunByServer(noTime);
      const isLast = attempt === attemptsMax;
      try {
        const found = await runInSandbox(check);
        if (!found.lostSandbox || isLast) return found;
      } catch (thrown) {
        if (!isOfTheSandbox(thrown, signal)) throw thrown;
        way.log.warn({ jobId: ground.held.job.id, err: thrown }, 'there was no sandbox for a check');
        if (isLast && !inTime.signal.aborted) return withoutSandbox(thrown);
      }
    }
  };

  const runs: CheckRun[] = [];
  for (const check of checks) {
    const { command } = check;
    await way.emit({ type: 'Check: Started', command, when });
    const found = when === 'before' ? asBefore(await run(check)) : await run(check);
    runs.push(found);
    const { isServersFault: _, lostSandbox: __, ...told } = found;
    await way.emit({ type: 'Check: Finished', command, when, ...told });
  }
  return runs;
};

/**
 * A base that needs too long, or too much memory, while the agent is at work beside it has not shown that it is broken:
 * else an agent that keeps the machine busy could excuse itself.
 */
const asBefore = (run: CheckRun): CheckRun =>
  run.status === 'failed' && run.exitCode === null ? { ...run, status: 'could_not_run' } : run;

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
