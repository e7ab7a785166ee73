import { AppError } from '../domain/errors.ts';

export type RateLimit = {
  /** Counts one more under this name; throws `rate_limited` when they are too many. */
  take(name: string): void;
};

const windowMs = 60_000;

/** Beyond so many names in a minute the further ones are counted together: a flood of addresses costs no memory. */
const namesMax = 10_000;

/**
 * Counts by name, a minute at a time. In memory: what protects the database must not need it for every request. So
 * each server counts for itself; jobs per hour, where the number matters, are counted in the database.
 */
export const createRateLimit = (perMinuteMax: number, what: string): RateLimit => {
  let counts = new Map<string, number>();
  let until = 0;

  return {
    take(name) {
      const now = performance.now();
      if (now >= until) {
        counts = new Map();
        until = now + windowMs;
      }
      const counted = counts.has(name) || counts.size < namesMax ? name : 'all others';
      const count = (counts.get(counted) ?? 0) + 1;
      counts.set(counted, count);
      if (count <= perMinuteMax) return;
      throw new AppError('rate_limited', `More than ${perMinuteMax} ${what} came within a minute.`, {
        retryAfterSeconds: Math.ceil((until - now) / 1000),
      });
    },
  };
};
