import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { ServerHttp2Stream } from 'node:http2';
import { commandEnvironment } from './environment.ts';
import { createOutput } from './output.ts';
import { callVariable, killTree } from './process-tree.ts';
import { workspace } from './workspace.ts';

export type ExecRequest = {
  command: string | string[];
  env?: Record<string, string>;
  timeoutMs: number;
  outputBytesMax: number;
};

/**
 * Runs one command and answers with lines of JSON: `{"output": "…"}` as it comes, at the end
 * `{"exitCode", "signal", "durationMs", "timedOut", "bytesLeftOut"}`. A process that the command left in the
 * background keeps running and does not keep the call open. When the server closes the stream, the command dies.
 */
export const runCommand = async (request: ExecRequest, stream: ServerHttp2Stream): Promise<void> => {
  const callId = randomUUID();
  const started = performance.now();
  const [file, ...args] =
    typeof request.command === 'string' ? ['bash', '-c', request.command] : request.command;
  const say = (line: object) => {
    if (!stream.closed) stream.write(`${JSON.stringify(line)}\n`);
  };
  let child: ChildProcess;
  try {
    child = spawn(file ?? '', args, {
      cwd: workspace,
      env: { ...commandEnvironment, ...request.env, [callVariable]: callId },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
  } catch (error) {
    // Too long for the system, or with a NUL: the model can mend that.
    say({ output: `The command could not be started: ${(error as Error).message}\n` });
    return say({ exitCode: 126, signal: null, durationMs: 0, timedOut: false, bytesLeftOut: 0 });
  }
  const kill = () => child.pid && killTree(child.pid, callId);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, request.timeoutMs);
  stream.once('close', kill);

  const output = createOutput(request.outputBytesMax, (text) => say({ output: text }));
  child.stdout?.on('data', output.add);
  child.stderr?.on('data', output.add);

  const { exitCode, signal, error } = await ended(child);
  clearTimeout(timer);
  stream.off('close', kill);
  const bytesLeftOut = output.end();
  if (error) say({ output: `${error}\n` });
  say({ exitCode, signal, durationMs: Math.round(performance.now() - started), timedOut, bytesLeftOut });
};

type End = { exitCode: number | null; signal: string | null; error?: string };

/**
 * Node's `close` waits for everybody who holds stdout, a background process for ever. So the end is `exit`, plus the
 * time in which what is left in the pipe arrives.
 */
const ended = (child: ChildProcess): Promise<End> => {
  const drainMs = 200;
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ exitCode: 127, signal: null, error: error.message }));
    child.once('exit', (exitCode, signal) => {
      const finish = () => resolve({ exitCode, signal });
      const timer = setTimeout(finish, drainMs);
      child.once('close', () => {
        clearTimeout(timer);
        finish();
      });
    });
  });
};
