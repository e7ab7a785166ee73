import type { JobEvent } from '../domain/job-event.ts';
import type { Wakes } from './wakes.ts';

/** What comes behind an event, for whoever waits there. */
type Wait = { waiters: Set<PromiseWithResolvers<JobEvent[]>>; stopping: AbortController };

/**
 * All who wait behind the same event of a job wait together: what comes is looked for once, however many watch.
 * `look` gives what is there behind the event, maybe nothing.
 */
export const createEventWaits = (
  wakes: Wakes,
  look: (jobId: string, after: number) => Promise<JobEvent[]>,
): ((jobId: string, after: number, signal: AbortSignal) => Promise<JobEvent[]>) => {
  const waits = new Map<string, Wait>();

  const untilThere = async (jobId: string, after: number, signal: AbortSignal): Promise<JobEvent[]> => {
    for (;;) {
      // Registered before the look, so that nothing that comes in between is missed.
      using waiter = wakes.waiter(`event ${jobId}`);
      const events = await look(jobId, after);
      if (events.length > 0) return events;
      await waiter.wait(signal);
    }
  };

  const begin = (key: string, jobId: string, after: number): Wait => {
    const wait: Wait = { waiters: new Set(), stopping: new AbortController() };
    waits.set(key, wait);
    untilThere(jobId, after, wait.stopping.signal)
      // Whoever comes from now on looks anew.
      .finally(() => end(key, wait))
      .then(
        (events) => wait.waiters.forEach(({ resolve }) => void resolve(events)),
        (error: unknown) => wait.waiters.forEach(({ reject }) => void reject(error)),
      );
    return wait;
  };

  const end = (key: string, wait: Wait): void => {
    if (waits.get(key) === wait) waits.delete(key);
  };

  return async (jobId, after, signal) => {
    signal.throwIfAborted();
    const key = `${jobId} ${after}`;
    const wait = waits.get(key) ?? begin(key, jobId, after);
    const waiter = Promise.withResolvers<JobEvent[]>();
    const abort = () => waiter.reject(signal.reason);
    wait.waiters.add(waiter);
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await waiter.promise;
    } finally {
      signal.removeEventListener('abort', abort);
      wait.waiters.delete(waiter);
      if (wait.waiters.size === 0) {
        end(key, wait);
        wait.stopping.abort();
      }
    }
  };
};
