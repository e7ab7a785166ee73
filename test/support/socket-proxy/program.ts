import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

export type ProxyProgram = AsyncDisposable & { process: ChildProcess };

const main = path.resolve(import.meta.dirname, '../../../server/socket-proxy/main.ts');

/** `server/socket-proxy/main.ts` as a process of its own, with these settings and no others. */
export const spawnProxy = (settings: Record<string, string>): ChildProcess =>
  spawn(process.execPath, [main], { env: settings, stdio: ['ignore', 'pipe', 'pipe'] });

export const startProxy = async (settings: Record<string, string>): Promise<ProxyProgram> => {
  const child = spawnProxy(settings);
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  await once(lines, 'line', { signal: AbortSignal.timeout(20_000) });
  return {
    process: child,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
};
