import type { CheckRun, PlannedCheck } from '../../domain/checks/evidence.ts';
import { AppError } from '../../domain/errors.ts';
import { outputTail } from '../../domain/output-tail.ts';
import type { ExecResult, Sandbox } from '../../domain/sandbox.ts';

export type CheckLimits = {
  /** Of one check. */
  checkMs: number;
  /** When the job needs its time for the rest, in milliseconds since 1970: no check runs longer. */
  endsAt: number;
};

const probeMs = 60_000;
const outputBytesMax = 16 << 10;
/** What readers and the model are shown: errors stand at the end. */
const outputCharactersMax = 6000;

/** Runs one check in a sandbox that is ready for it; throws `sandbox_lost` only when it was lost before the check began. */
export const runCheck = async (
  { command, needs }: PlannedCheck,
  { sandbox, setupFailure }: { sandbox: Pick<Sandbox, 'exec'>; setupFailure: string | undefined },
  { checkMs, endsAt }: CheckLimits,
  signal: AbortSignal,
): Promise<CheckRun> => {
  const timeoutMs = Math.min(checkMs, endsAt - Date.now());
  if (timeoutMs <= 0) return notRunByServer(noTime);
  for (const { probe, otherwise } of needs) {
    const { exitCode } = await run(sandbox, probe, probeMs, signal);
    if (exitCode !== 0) return couldNotRun([otherwise, setupFailure].filter(Boolean).join(' '));
  }
  try {
    const result = await run(sandbox, command, timeoutMs, signal);
    if (result.timedOut && timeoutMs < checkMs) {
      return notRunByServer(noTime, outputTail(result.output, outputCharactersMax));
    }
    return judge(result, checkMs, setupFailure);
  } catch (thrown) {
    signal.throwIfAborted();
    if (!(thrown instanceof AppError) || thrown.code !== 'sandbox_lost') throw thrown;
    const reason = `The sandbox was lost while it ran: ${thrown.message}`;
    return { status: 'failed', exitCode: null, durationMs: 0, output: '', reason, lostSandbox: true };
  }
};

/** A shell of its own, so that one check cannot leave the next one another directory or other variables. */
const run = (sandbox: Pick<Sandbox, 'exec'>, command: string, timeoutMs: number, signal: AbortSignal) =>
  sandbox.exec({ command, env: { CI: 'true' }, timeoutMs, outputBytesMax }, signal);

const judge = (
  { exitCode, output, durationMs, timedOut }: ExecResult,
  checkMs: number,
  setupFailure: string | undefined,
): CheckRun => {
  const ran = { exitCode, durationMs, output: outputTail(output, outputCharactersMax) };
  if (timedOut) {
    const reason = `It ran longer than the ${checkMs / 1000} s allowed.`;
    return { status: 'failed', ...ran, exitCode: null, reason };
  }
  if (exitCode === 0) return { status: 'passed', ...ran };
  const missing = missingProgram[exitCode ?? 0];
  if (missing === undefined) return { status: 'failed', ...ran };
  return { status: 'could_not_run', ...ran, reason: [missing, setupFailure].filter(Boolean).join(' ') };
};

/** What shells say with their exit codes. Source: POSIX, «Exit Status for Commands». */
const missingProgram: Record<number, string> = {
  126: 'A program that it calls is not executable in the sandbox image (exit code 126).',
  127: 'A program that it calls is not in the sandbox: the image lacks it, or a setup command must install it (exit code 127).',
};

export const noTime = 'The job had no time left for it.';

const couldNotRun = (reason: string): CheckRun => ({
  ...{ status: 'could_not_run', exitCode: null, durationMs: 0, output: '', reason },
});

/** Of a check that the server had no sandbox, or no time, for. */
export const notRunByServer = (reason: string, output = ''): CheckRun => ({
  ...couldNotRun(reason),
  output,
  isServersFault: true,
});
