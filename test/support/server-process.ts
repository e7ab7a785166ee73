import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { sandboxImage } from './docker.ts';

/** `server/main.ts` as a process of its own, as a user starts it: settings in, log lines out. */
export type ServerProcess = AsyncDisposable & {
  url: string;
  process: ChildProcess;
  /** Everything that the server logged so far. */
  log(): string;
  /** Sends the signal and resolves with how the process ended. */
  stop(signal?: NodeJS.Signals): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>;
};

const root = path.resolve(import.meta.dirname, '../..');
const startMs = 30_000;
const stopMs = 60_000;

export const startServerProcess = async (
  settings: Record<string, string>,
  /** Away from a .env of the developer's. */
  directory = import.meta.dirname,
  program = path.join(root, 'server/main.ts'),
): Promise<ServerProcess> => {
  const child = spawn(process.execPath, [program], {
    // Nothing of the developer's own settings: only what the caller gives, and what a process needs to run.
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      PORT: '0',
      SANDBOX_IMAGE: sandboxImage,
      // A start ahead takes processors from the jobs that most tests are about.
      SANDBOX_POOL_SIZE: '0',
      ...settings,
    },
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  let log = '';
  const listening = new Promise<string>((resolve, reject) => {
    const failed = (why: string) => {
      clearTimeout(timer);
      reject(new Error(`The server did not start (${why}):\n${log}`));
    };
    const timer = setTimeout(() => failed(`${startMs} ms over`), startMs);
    child.once('exit', (code) => failed(`exit code ${code}`));
    child.stderr?.on('data', (chunk) => {
      log += chunk;
    });
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      log += `${line}\n`;
      const address = addressIn(line);
      if (!address) return;
      clearTimeout(timer);
      resolve(address);
    });
  });
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMs);
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const [exitCode, by] = (await ended) as [number | null, NodeJS.Signals | null];
    clearTimeout(timer);
    return { exitCode, signal: by };
  };
  return {
    url: await listening,
    process: child,
    log: () => log,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
};

const addressIn = (line: string): string | undefined => {
  if (!line.includes('server listens')) return undefined;
  const { host, port } = JSON.parse(line) as { host: string; port: number };
  return `http://${host}:${port}`;
};
