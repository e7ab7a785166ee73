import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../domain/log.ts';
import type { Sandbox, Sandboxes } from '../domain/sandbox.ts';
import { defaultImage } from '../domain/sandbox-image.ts';
import { selfCheck } from './self-check.ts';

export type PoolOptions = {
  /** How many wait at most; 0 keeps none. */
  size: number;
  /** The id of the image that a sandbox would be started from now. */
  imageId: () => Promise<string>;
  /** After one was handed out: its job is to have the machine for itself at first. */
  refillAfterMs: number;
  /** An older one is not handed out: its container’s time would end within the job. */
  spareMsMax: number;
  /** After a start that failed, doubled each time up to a minute. */
  retryAfterMs: number;
  log: Log;
};

export type Pool = Sandboxes & AsyncDisposable & { waiting(): number };

type Spare = { sandbox: Sandbox; imageId: string; startedAt: number };

/** What `io.tiny-backspace.job` says of a container that waits for its job. */
const spareJob = 'spare';

/**
 * Keeps sandboxes of the default image ready, so that a job need not wait for one to start. Each has proved that it
 * is sealed before it is let in, is handed out once, and is replaced when it dies or when another image has taken its
 * image's name.
 */
export const createPool = (sandboxes: Sandboxes, options: PoolOptions): Pool => {
  const { size, imageId, log } = options;
  const stopping = new AbortController();
  const spares: Spare[] = [];
  let refilling: Promise<void> | undefined;

  const drop = async ({ sandbox }: Spare) => {
    try {
      await sandbox[Symbol.asyncDispose]();
    } catch (err) {
      log.warn({ err, sandbox: sandbox.id.slice(0, 12) }, 'a spare sandbox could not be removed');
    }
  };
  const takeOut = (spare: Spare): boolean => {
    const place = spares.indexOf(spare);
    if (place >= 0) spares.splice(place, 1);
    return place >= 0;
  };

  const start = async (): Promise<Spare> => {
    const id = await imageId();
    const sandbox = await sandboxes.acquire(spareJob, stopping.signal);
    const spare = { sandbox, imageId: id, startedAt: performance.now() };
    try {
      await selfCheck(sandbox, stopping.signal);
      stopping.signal.throwIfAborted();
    } catch (error) {
      await drop(spare);
      throw error;
    }
    const replace = () => {
      if (!takeOut(spare)) return;
      void drop(spare);
      refill(0);
    };
    sandbox.lost.addEventListener('abort', replace, { once: true });
    return spare;
  };

  const fill = async (afterMs: number) => {
    let retryMs = options.retryAfterMs;
    await sleep(afterMs, undefined, { signal: stopping.signal });
    while (spares.length < size) {
      try {
        spares.push(await start());
        retryMs = options.retryAfterMs;
      } catch (err) {
        stopping.signal.throwIfAborted();
        log.warn({ err, retryMs }, 'a spare sandbox could not be started');
        await sleep(retryMs, undefined, { signal: stopping.signal });
        retryMs = Math.min(2 * retryMs, 60_000);
      }
    }
  };
  /** One start at a time, and never an error: only the stop ends the attempts. */
  const refill = (afterMs: number) => {
    if (stopping.signal.aborted) return;
    refilling ??= fill(afterMs)
      .catch(() => {})
      .finally(() => {
        refilling = undefined;
      });
  };

  /** The first that is of today's image; those of another one go. */
  const take = async (): Promise<Sandbox | undefined> => {
    if (spares.length === 0) return undefined;
    const current = await imageId().catch(() => undefined);
    for (let spare = spares.shift(); spare !== undefined; spare = spares.shift()) {
      const isYoung = performance.now() - spare.startedAt < options.spareMsMax;
      if (isYoung && spare.imageId === current && !spare.sandbox.lost.aborted) return spare.sandbox;
      void drop(spare);
    }
    return undefined;
  };

  refill(0);
  return {
    image: sandboxes.image,
    waiting: () => spares.length,
    reattach: (containerId, signal) => sandboxes.reattach(containerId, signal),
    async acquire(jobId, signal, image = defaultImage) {
      if (image !== defaultImage) return sandboxes.acquire(jobId, signal, image);
      const started = performance.now();
      signal.throwIfAborted();
      const spare = await take();
      refill(options.refillAfterMs);
      if (spare === undefined) return sandboxes.acquire(jobId, signal);
      if (signal.aborted) {
        await spare[Symbol.asyncDispose]();
        throw signal.reason;
      }
      return { ...spare, warm: true, readyMs: Math.round(performance.now() - started) };
    },
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error('The server stops.'));
      await refilling;
      await Promise.all(spares.splice(0).map(drop));
    },
  };
};
