import type { Emit } from '../../domain/job-event.ts';
import { outputTail } from '../../domain/output-tail.ts';
import type { ExecResult, Sandbox } from '../../domain/sandbox.ts';
import type { SandboxUse, SetupOutcome } from '../../domain/setup.ts';
import { cut, oneLine } from '../../domain/visible-text.ts';

export type Told = { use: SandboxUse; emit: Emit };

/** One command after the other, each in a shell of its own, until one fails or the time is over. */
export const runSetup = async (
  sandbox: Pick<Sandbox, 'exec'>,
  commands: readonly string[],
  ms: number,
  { use, emit }: Told,
  signal: AbortSignal,
): Promise<SetupOutcome> => {
  const until = performance.now() + ms;
  for (const command of commands) {
    const timeoutMs = Math.round(until - performance.now());
    if (timeoutMs <= 0) return { ok: false, reason: `There was no time left for ${named(command)}.` };
    await emit({ type: 'Setup: Started', command, sandbox: use });
    const request = { command, env: {}, timeoutMs, outputBytesMax, leavesNothing: true } as const;
    const ended = await sandbox.exec(request, signal);
    const { exitCode, durationMs } = ended;
    const output = outputTail(ended.output, outputCharactersMax);
    const told = { exitCode: ended.timedOut ? null : exitCode, durationMs, output, cached: false };
    await emit({ type: 'Setup: Finished', command, sandbox: use, ...told });
    if (ended.timedOut || exitCode !== 0) return { ok: false, reason: reasonOf(command, ended, ms) };
  }
  return { ok: true };
};

/** Half of the output is its end. */
const outputBytesMax = 16 << 10;
const outputCharactersMax = 4000;

const reasonOf = (command: string, { exitCode, timedOut }: ExecResult, ms: number): string => {
  if (timedOut) return `The setup did not end within ${ms / 1000} s: ${named(command)} was stopped.`;
  return exitCode === null
    ? `The setup command ${named(command)} was killed.`
    : `The setup command ${named(command)} ended with exit code ${exitCode}.`;
};

const commandCharactersMax = 200;
const named = (command: string): string => `«${cut(oneLine(command), commandCharactersMax)}»`;
