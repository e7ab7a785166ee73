import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import { z } from 'zod';
import { type Calls, openCalls } from './calls.ts';
import { createExecDuplex } from './exec-duplex.ts';
import { serveWayOut, type WayOutSession } from './way-out.ts';

export type Channel = { calls: Calls; wayOut: WayOutSession; kernel: string; gvisor: boolean };

/**
 * Starts both halves of the toolbox and waits until both answer. What was opened until a failure is closed again. Where
 * another server may have had the sandbox its toolbox is ended first.
 */
export const openChannel = async (
  container: Docker.Container,
  signal: AbortSignal,
  { takesOver = false } = {},
): Promise<Channel> => {
  const failed = new AbortController();
  const fail = () => failed.abort(signal.reason);
  signal.addEventListener('abort', fail, { once: true });
  if (signal.aborted) fail();
  try {
    return await connect(container, failed.signal, takesOver);
  } catch (error) {
    failed.abort(error);
    throw error;
  } finally {
    // From here on the channel belongs to the sandbox, whose end closes it.
    signal.removeEventListener('abort', fail);
  }
};

const connect = async (
  container: Docker.Container,
  signal: AbortSignal,
  takesOver: boolean,
): Promise<Channel> => {
  const starting = startToolbox(container, 'calls.js', signal).then(async (duplex) => {
    const calls = openCalls(duplex);
    if (takesOver) await calls.ask('/take-over', {}, z.object({ ok: z.literal(true) }), signal);
    return calls;
  });
  if (takesOver) await starting;
  const [calls, wayOutExec] = await Promise.all([starting, startToolbox(container, 'way-out.js', signal)]);
  const wayOut = serveWayOut(wayOutExec);
  const [{ kernel, kernelVersion }] = await Promise.all([
    calls.ask('/hello', {}, hello, signal),
    wayOut.listening,
  ]);
  return { calls, wayOut, kernel, gvisor: isGVisor(kernel, kernelVersion) };
};

const hello = z.object({
  kernel: z.string().max(100),
  kernelVersion: z.string().max(200),
  uid: z.number().int(),
  node: z.string().max(50),
});

/**
 * What gVisor's kernel says of itself, the same in every release that we have seen: pkg/sentry/syscalls/linux/linux64.go
 * in its source.
 */
const isGVisor = (release: string, version: string): boolean =>
  version === '#1 SMP Sun Jan 10 15:06:54 PST 2016' || /gvisor/i.test(release);

/**
 * `--disable-sigusr1`: any process of the same user could otherwise open the toolbox's inspector. And any of them can open
 * the toolbox's stderr: attached, a gigabyte of it would have to be taken by the server, outside of every limit.
 */
const startToolbox = async (
  container: Docker.Container,
  file: string,
  signal: AbortSignal,
): Promise<Duplex> => {
  const exec = await container.exec({
    Cmd: ['node', '--disable-sigusr1', `/opt/backspace/toolbox/${file}`],
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: false,
    Tty: false,
    abortSignal: signal,
  });
  const socket = await exec.start({ hijack: true, stdin: true, Tty: false, abortSignal: signal });
  const duplex = createExecDuplex(socket);
  // Docker does not end an exec's connection when its container goes before the exec has begun.
  signal.addEventListener('abort', () => duplex.destroy(), { once: true });
  if (signal.aborted) duplex.destroy();
  return duplex;
};
