import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../domain/errors.ts';

/**
 * GitHub did not answer, or answered with a 5xx: whether it did what it was asked is not known. Or it refused, and what
 * it shows does not say why: another server of ours may be about to do the same, and lists lag behind. Whoever asked
 * for a change looks before asking again.
 */
export class Unclear extends AppError {
  constructor(code: 'github_failed' | 'publish_failed', message: string, cause?: unknown) {
    super(code, message, { cause });
  }
}

/** Makes at most three attempts; only `Unclear` is worth another. */
export const attempt = async <T>(once: () => Promise<T>, signal: AbortSignal): Promise<T> => {
  for (const pauseMs of pausesMs) {
    try {
      return await once();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Unclear)) throw error;
    }
    await pause(pauseMs, signal);
  }
  return once();
};

const pausesMs = [250, 1000];

const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    // The caller's own reason says more than the timer's AbortError.
    signal.throwIfAborted();
  }
};
