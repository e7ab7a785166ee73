import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { AppError } from '../domain/errors.ts';
import type { Sandboxes } from '../domain/sandbox.ts';
import { openChannel } from './channel.ts';
import { containerSpec, type SandboxLimits } from './container-spec.ts';
import { createToolbox } from './toolbox.ts';

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
    const timeout = AbortSignal.timeout(options.startMs);
    const container = await create(docker, options, jobId, timeout);
    try {
      await withSignal(container.start(), timeout);
      signal.throwIfAborted();
      const { calls, wayOut, kernel } = await openChannel(container, AbortSignal.any([signal, timeout]));
      return {
        id: container.id,
        runtime: options.runtime,
        kernel,
        readyMs: Math.round(performance.now() - started),
        openWayOut: wayOut.open,
        ...createToolbox(calls, options),
        async [Symbol.asyncDispose]() {
          calls.close();
          wayOut.close();
          await remove(container);
        },
      };
    } catch (cause) {
      // Why it did not start is what the caller must know; a container that is left ends and goes by itself.
      await remove(container).catch(() => {});
      signal.throwIfAborted();
      throw unavailable('A sandbox could not be started', cause);
    }
  },
});

const create = async (
  docker: Docker,
  options: SandboxOptions,
  jobId: string,
  timeout: AbortSignal,
): Promise<Docker.Container> => {
  const creating = docker.createContainer(containerSpec({ ...options, jobId }));
  try {
    return await withSignal(creating, timeout);
  } catch (cause) {
    // An engine that answers after all has made a container that nobody waits for any more.
    creating.then(remove).catch(() => {});
    throw unavailable('Docker did not create a sandbox', cause);
  }
};

const unavailable = (what: string, cause: unknown): AppError =>
  new AppError('sandbox_unavailable', `${what}: ${cause instanceof Error ? cause.message : cause}`, {
    cause,
  });

const removeMs = 10_000;

/** Gone means gone: repeated until Docker says that there is no such container. */
const remove = async (container: Docker.Container): Promise<void> => {
  const attemptsMax = 5;
  for (let attempt = 1; ; attempt++) {
    try {
      await withSignal(container.remove({ force: true, v: true }), AbortSignal.timeout(removeMs));
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
    signal.addEventListener('abort', abort, { once: true });
    // Also when the signal has won: what the promise does afterwards must not count as unhandled.
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
  });
