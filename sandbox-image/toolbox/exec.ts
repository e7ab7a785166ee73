import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { ServerHttp2Stream } from 'node:http2';
import type { Writable } from 'node:stream';
import type { CommandEnd } from './bash.ts';
import { commandEnvironment } from './environment.ts';
import { createOutput } from './output.ts';
import { callVariable, killCall, ticksNow } from './process-tree.ts';
import { createShell } from './shell.ts';
import { workspace } from './workspace.ts';

export type ExecRequest = {
  /** A command for the shell that is kept, or the words of a program, which knows nothing of that shell. */
  command: string | string[];
  env?: Record<string, string>;
  /** The rest of the request's body is for the program. */
  stdin?: boolean;
  timeoutMs: number;
  /** Whether what it leaves running is killed at its end. To be asked only while no other command runs. */
  leavesNothing?: boolean;
  outputBytesMax: number;
};

/**
 * Runs one command and answers with lines of JSON: `{"output": "…"}` as it comes, `{"shown": "…"}` for the eye alone
 * once there is more than fits, at the end `{"exitCode", "signal", "durationMs", "timedOut", "bytesLeftOut",
 * "outputFile"}`. A process that the command left in the background keeps running, unless it is to leave nothing, and
 * does not keep the call open. At its time limit, or when the server closes the stream, the command dies with all that it started.
 */
export const runCommand = async (request: ExecRequest, stream: ServerHttp2Stream): Promise<void> => {
  const { leavesNothing = false } = request;
  // Short, since bash reads it letter by letter; long enough that no command can guess another one's.
  const call = { id: randomBytes(6).toString('hex'), startTicks: ticksNow(), leavesNothing };
  const started = performance.now();
  const say = (line: object) => {
    if (!stream.closed) stream.write(`${JSON.stringify(line)}\n`);
  };
  const output = createOutput({
    ...{ bytesMax: request.outputBytesMax, fileName: call.id },
    send: (text) => say({ output: text }),
    show: (text) => say({ shown: text }),
  });
  const running = start(request, call.id, output.add);
  if (running.stdin) stream.pipe(running.stdin);
  else stream.resume();
  const kill = () => {
    if (running.pid !== undefined) killCall({ ...call, pid: running.pid });
  };
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, request.timeoutMs);
  stream.once('close', kill);

  const { exitCode, signal, problem } = await running.ended;
  clearTimeout(timer);
  stream.off('close', kill);
  if (leavesNothing) kill();
  const whole = output.end();
  if (problem !== undefined) say({ output: `${problem}\n` });
  say({ exitCode, signal, durationMs: Math.round(performance.now() - started), timedOut, ...whole });
};

const shell = createShell();

type Running = { pid: number | undefined; ended: Promise<CommandEnd>; stdin?: Writable | null };

const start = (request: ExecRequest, callId: string, onOutput: (bytes: Buffer) => void): Running => {
  const { command, env } = request;
  if (typeof command !== 'string') return startProgram(command, request, callId, onOutput);
  if (command.includes('\0')) return notStarted('a command cannot hold the character NUL');
  const kept = env === undefined ? shell.run(command, callId, onOutput) : undefined;
  return kept ?? startProgram(['bash', '-c', command], request, callId, onOutput);
};

const startProgram = (
  [file = '', ...args]: readonly string[],
  { env, stdin = false }: Pick<ExecRequest, 'env' | 'stdin'>,
  callId: string,
  onOutput: (bytes: Buffer) => void,
): Running => {
  let child: ChildProcess;
  try {
    child = spawn(file, args, {
      cwd: workspace,
      env: { ...commandEnvironment, ...env, [callVariable]: callId },
      stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      detached: true,
    });
  } catch (error) {
    // Too long for the system, or with a NUL: the model can mend that.
    return notStarted((error as Error).message);
  }
  child.stdout?.on('data', onOutput);
  child.stderr?.on('data', onOutput);
  // A program may end before it has read all; its end says what came of that.
  child.stdin?.on('error', () => {});
  return { pid: child.pid, ended: endOf(child), stdin: child.stdin };
};

const notStarted = (why: string): Running => ({
  pid: undefined,
  ended: Promise.resolve({
    ...{ exitCode: 126, signal: null, problem: `The command could not be started: ${why}` },
  }),
});

/**
 * Node's `close` waits for everybody who holds stdout, a background process for ever. So the end is `exit`, plus the
 * time in which what is left in the pipe arrives.
 */
const endOf = (child: ChildProcess): Promise<CommandEnd> => {
  const drainMs = 200;
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ exitCode: 127, signal: null, problem: message }));
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
