import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { z } from 'zod';
import { AppError } from '../domain/errors.ts';
import type { Sandbox, Sandboxes } from '../domain/sandbox.ts';
import { defaultImage, type SandboxImage } from '../domain/sandbox-image.ts';
import type { Calls } from './calls.ts';
import { type Channel, openChannel } from './channel.ts';
import { containerSpec, type SandboxLimits } from './container-spec.ts';
import { createToolbox } from './toolbox.ts';
import { withSignal } from './with-signal.ts';

export type SandboxOptions = {
  /** What the engine calls the default image. */
  image: string;
  /** The others that may be chosen. */
  images?: readonly SandboxImage[];
  runtime: string;
  /** Takes a sandbox although another kernel than gVisor's answers in it. */
  withoutGVisor?: boolean;
  /** Tells the containers of this server from those of another on the same engine. */
  serverId: string;
  /** Tells what this process has started from what the server's former ones have left. */
  processId: string;
  limits: SandboxLimits;
  startMs: number;
  /** Longer than any job: after it nobody can have a use for the container. */
  lifetimeMs: number;
  filesMax: number;
};

export type EngineSandboxes = Sandboxes & {
  /** Whether the container is one that this process has started and not yet removed. */
  holds(containerId: string): boolean;
};

/** Sandboxes on a Docker engine: a container each, with the toolbox reached through two hijacked execs. */
export const createSandboxes = (docker: Docker, options: SandboxOptions): EngineSandboxes => {
  const held = new Set<string>();

  const letGo = async (container: Docker.Container): Promise<void> => {
    // One that could not be removed is nobody's any more, and the reaper tries again.
    await remove(container).finally(() => held.delete(container.id));
  };

  const offered = [{ name: defaultImage, reference: options.image }, ...(options.images ?? [])];

  /** Of the images that this server offers alone: no name leads to any other one. */
  const referenceOf = (image: string): string => {
    const found = offered.find(({ name }) => name === image);
    if (found) return found.reference;
    throw new AppError('sandbox_unavailable', `This server offers no sandbox image «${image}».`, {
      whatToDo: `Choose one of ${offered.map(({ name }) => name).join(', ')}, or name it in SANDBOX_IMAGES.`,
    });
  };

  const open = async (
    jobId: string,
    image: string,
    signal: AbortSignal,
    timeout: AbortSignal,
    attemptsLeft = 1,
  ): Promise<Opened> => {
    const container = await create(docker, { ...options, image: referenceOf(image) }, jobId, timeout);
    held.add(container.id);
    const gone = new AbortController();
    let runs = false;
    try {
      await withSignal(container.start(), timeout);
      runs = true;
      signal.throwIfAborted();
      const stopped = untilStopped(container, gone.signal);
      const ended = new AbortController();
      void stopped.then(() => ended.abort(new Error('its container stopped')));
      const channel = await openChannel(container, AbortSignal.any([signal, timeout, ended.signal]));
      return { container, image, ...channel, stopped, gone };
    } catch (cause) {
      gone.abort();
      // Why it did not start is what the caller must know; a container that is left ends and goes by itself.
      await letGo(container).catch(() => {});
      signal.throwIfAborted();
      // Now and then one dies while it starts, which is no reason to give a job up.
      if (runs && attemptsLeft > 0 && !timeout.aborted)
        return open(jobId, image, signal, timeout, attemptsLeft - 1);
      throw unavailable('A sandbox could not be started', cause);
    }
  };

  /** The channel of one that runs already; undefined when there is none, or nothing answers in it. */
  const reopen = async (containerId: string, signal: AbortSignal): Promise<Opened | undefined> => {
    const container = docker.getContainer(containerId);
    const timeout = AbortSignal.timeout(reattachMs);
    const gone = new AbortController();
    try {
      const { State, Config } = await withSignal(container.inspect(), AbortSignal.any([signal, timeout]));
      if (!State.Running) return undefined;
      // From here on it is ours: the reaper must not take it for one that a former process has left.
      held.add(containerId);
      const stopped = untilStopped(container, gone.signal);
      const ended = new AbortController();
      void stopped.then(() => ended.abort(new Error('its container stopped')));
      const channel = await openChannel(container, AbortSignal.any([signal, timeout, ended.signal]), {
        takesOver: true,
      });
      // It may be of an image that is not offered any more.
      const image = offered.find(({ reference }) => reference === Config.Image)?.name ?? Config.Image;
      return { container, image, ...channel, stopped, gone };
    } catch {
      gone.abort();
      held.delete(containerId);
      signal.throwIfAborted();
      return undefined;
    }
  };

  /** What the jobs see of it. One in which another kernel answers is refused. */
  const sandboxOf = async (opened: Opened, started: number): Promise<Sandbox> => {
    const { container, calls, wayOut, kernel, gvisor, stopped, gone } = opened;
    const close = () => {
      calls.close();
      wayOut.close();
    };
    if (!gvisor && !options.withoutGVisor) {
      close();
      gone.abort();
      await letGo(container).catch(() => {});
      throw unavailable('A sandbox was refused', new Error(notGVisor(kernel)));
    }
    void stopped.then(close);
    return {
      id: container.id,
      image: opened.image,
      imageId: async () => (await withSignal(container.inspect(), AbortSignal.timeout(inspectMs))).Image,
      lost: calls.lost,
      runtime: options.runtime,
      ...{ kernel, gvisor, warm: false },
      readyMs: Math.round(performance.now() - started),
      openWayOut: wayOut.open,
      ...createToolbox(calls, {
        filesMax: options.filesMax,
        workspaceBytes: options.limits.workspaceBytes,
      }),
      leave() {
        gone.abort();
        close();
        held.delete(container.id);
      },
      async [Symbol.asyncDispose]() {
        const ends = await isEnding(calls);
        close();
        if (ends) await Promise.race([stopped, sleep(endMs, undefined, { ref: false })]);
        await letGo(container).finally(() => gone.abort());
      },
    };
  };

  return {
    image: options.image,
    holds: (containerId) => held.has(containerId),
    reattach: async (containerId, signal) => {
      const started = performance.now();
      const opened = await reopen(containerId, signal);
      return opened && sandboxOf(opened, started);
    },
    acquire: async (jobId, signal, image = defaultImage) => {
      const started = performance.now();
      const timeout = AbortSignal.timeout(options.startMs);
      return sandboxOf(await open(jobId, image, signal, timeout), started);
    },
  };
};
type Opened = Channel & {
  container: Docker.Container;
  image: string;
  stopped: Promise<void>;
  gone: AbortController;
};

/**
 * How long a sandbox may take to end by itself before it is killed. To kill one with many processes was seen to take a
 * second for each that is just ending, twelve minutes in all: the kill holds a lock that containerd (1.6) needs to reap
 * them, and waits to be reaped behind them. So a lost one is left to its end, and any other is asked to end.
 */
const endMs = 3000;

const inspectMs = 10_000;

/** What answers at all does so at once; a new sandbox with the last checkpoint is there in a few seconds, too. */
const reattachMs = 5000;

/** false when the toolbox does not do it, and only a kill is left. */
const isEnding = async (calls: Calls): Promise<boolean> => {
  try {
    await calls.ask('/end', {}, z.object({ ok: z.literal(true) }), AbortSignal.timeout(endMs));
    return true;
  } catch {
    return calls.lost.aborted;
  }
};

/**
 * Docker can leave an exec's connection open after its container has stopped: then nobody but the ping limit would
 * notice. An engine that does not answer says nothing about the sandbox, and is asked again.
 */
const untilStopped = async (container: Docker.Container, signal: AbortSignal): Promise<void> => {
  const pauseMs = 500;
  while (!signal.aborted) {
    try {
      await container.wait({ abortSignal: signal });
      return;
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode === 404) return;
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }
};

const notGVisor = (kernel: string): string =>
  `not gVisor answers in it, but the kernel ${kernel} (SANDBOX_WITHOUT_GVISOR=true would allow that).`;

const create = async (
  docker: Docker,
  options: SandboxOptions,
  jobId: string,
  timeout: AbortSignal,
): Promise<Docker.Container> => {
  const expires = Math.ceil((Date.now() + options.lifetimeMs) / 1000);
  const creating = docker.createContainer(containerSpec({ ...options, jobId, expires }));
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
export const remove = async (container: Docker.Container): Promise<void> => {
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
