import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { z } from 'zod';
import { AppError } from '../domain/errors.ts';
import type { Sandboxes } from '../domain/sandbox.ts';
import { openCalls } from './calls.ts';
import { containerSpec, type SandboxLimits } from './container-spec.ts';
import { createExecDuplex } from './exec-duplex.ts';
import { createToolbox } from './toolbox.ts';
import { serveWayOut } from './way-out.ts';

export type SandboxOptions = {
  image: string;
  runtime: string;
  /** Tells the containers of this server from those of another on the same engine. */
  serverId: string;
  limits: SandboxLimits;
  startMs: number;
  filesMax: number;
};

/** Sandboxes on a Docker engine: a container each, with the toolbox reached through two hijacked execs. */
export const createSandboxes = (docker: Docker, options: SandboxOptions): Sandboxes => ({
  image: options.image,
  acquire: async (jobId, signal) => {
    const started = performance.now();
    const container = await create(docker, options, jobId);
    try {
      await container.start();
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(options.startMs)]);
      const channel = await withSignal(openChannel(container, options), deadline);
      return {
        ...channel,
        readyMs: Math.round(performance.now() - started),
        [Symbol.asyncDispose]: channel.dispose,
      };
    } catch (cause) {
      await remove(container);
      signal.throwIfAborted();
      throw new AppError('sandbox_unavailable', 'A sandbox could not be started.', { cause });
    }
  },
});

const create = async (docker: Docker, options: SandboxOptions, jobId: string): Promise<Docker.Container> => {
  try {
    return await docker.createContainer(containerSpec({ ...options, jobId }));
  } catch (cause) {
    throw new AppError(
      'sandbox_unavailable',
      `Docker did not create a sandbox: ${(cause as Error).message}`,
      { cause },
    );
  }
};

const helloSchema = z.object({
  kernel: z.string().max(100),
  uid: z.number().int(),
  node: z.string().max(50),
});

const openChannel = async (container: Docker.Container, options: SandboxOptions) => {
  const [callsExec, wayOutExec] = await Promise.all([
    startToolbox(container, 'calls.js'),
    startToolbox(container, 'way-out.js'),
  ]);
  const calls = openCalls(callsExec);
  const wayOut = serveWayOut(wayOutExec);
  const dispose = async () => {
    calls.close();
    wayOut.close();
    await remove(container);
  };
  const [hello] = await Promise.all([
    calls.ask('/hello', {}, helloSchema, AbortSignal.timeout(options.startMs)),
    wayOut.listening,
  ]);
  return {
    id: container.id,
    runtime: options.runtime,
    kernel: hello.kernel,
    openWayOut: wayOut.open,
    ...createToolbox(calls, options),
    dispose,
  };
};

/** `--disable-sigusr1`: any process of the same user could otherwise open the toolbox's inspector. */
const startToolbox = async (container: Docker.Container, file: string) => {
  const exec = await container.exec({
    Cmd: ['node', '--disable-sigusr1', `/opt/backspace/toolbox/${file}`],
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
  });
  const socket = await exec.start({ hijack: true, stdin: true, Tty: false });
  return createExecDuplex(socket, () => {});
};

/** Gone means gone: repeated until Docker says that there is no such container. */
const remove = async (container: Docker.Container): Promise<void> => {
  const attemptsMax = 5;
  for (let attempt = 1; ; attempt++) {
    try {
      await container.remove({ force: true, v: true });
      return;
    } catch (error) {
      const status = (error as { statusCode?: number }).statusCode;
      if (status === 404) return;
      if (attempt === attemptsMax) throw error;
      // 409: a removal is under way already.
      await sleep(200 * attempt);
    }
  }
};

const withSignal = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
