import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExecResult, Sandbox, WayOut } from '../../../server/domain/sandbox.ts';

/** The part of a sandbox that a clone needs, without walls: a directory, and the way out on a port of its own. */
export type LocalSandbox = AsyncDisposable &
  Pick<Sandbox, 'exec' | 'openWayOut'> & { directory: string; wayOutUrl: string };

export const startLocalSandbox = async (): Promise<LocalSandbox> => {
  const directory = await mkdtemp(join(tmpdir(), 'workspace-'));
  let decide: WayOut | undefined;
  const server = createServer((incoming, outgoing) => {
    answer(decide, incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    directory,
    wayOutUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    openWayOut: (wayOut) => {
      decide = wayOut;
    },
    exec: async ({ command, env, stdin, timeoutMs }, signal, onOutput): Promise<ExecResult> => {
      const [program = '', ...words] = typeof command === 'string' ? ['sh', '-c', command] : command;
      const started = performance.now();
      const child = spawn(program, words, {
        cwd: directory,
        env: { ...process.env, ...env },
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true,
      });
      child.stdin.on('error', () => {});
      let timedOut = false;
      const kill = () => {
        try {
          if (child.pid) process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It has ended already.
        }
      };
      const timer = setTimeout(() => {
        timedOut = true;
        kill();
      }, timeoutMs);
      signal.addEventListener('abort', kill, { once: true });
      let output = '';
      const add = (piece: string) => {
        output += piece;
        onOutput?.(piece);
      };
      child.stdout.setEncoding('utf8').on('data', add);
      child.stderr.setEncoding('utf8').on('data', add);
      let failure: unknown;
      void feed(stdin ?? nothing(), child.stdin).catch((error: unknown) => {
        failure = error;
        kill();
      });
      const [exitCode] = (await once(child, 'close')) as [number | null];
      clearTimeout(timer);
      signal.removeEventListener('abort', kill);
      signal.throwIfAborted();
      if (failure) throw failure;
      return {
        output,
        exitCode,
        durationMs: performance.now() - started,
        timedOut,
        bytesLeftOut: 0,
        outputFile: null,
      };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
};

const answer = async (
  decide: WayOut | undefined,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> => {
  if (decide === undefined) throw new Error('The way out is closed.');
  const given = new AbortController();
  outgoing.once('close', () => given.abort(new Error('The sandbox gave the request up.')));
  const { status, headers, body } = await decide({
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
    ),
    body: incoming,
    signal: given.signal,
  });
  outgoing.writeHead(status, headers);
  await pipeline(body, outgoing);
};

/** A program may end before it has read all. */
const feed = async (source: AsyncIterable<Uint8Array>, stdin: Writable): Promise<void> => {
  for await (const piece of source)
    if (!stdin.write(piece)) await Promise.race([once(stdin, 'drain'), once(stdin, 'close')]);
  stdin.end();
};

async function* nothing(): AsyncGenerator<Uint8Array> {}
