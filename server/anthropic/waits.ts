export type WaitLimits = {
  /** Further attempts at one reply after the first. */
  retriesMax: number;
  /** All time that one reply was waited for in vain: between attempts, and in those that brought nothing. */
  retryMsMax: number;
  /** Wait before the first retry, doubled before each further one. Default 1,000. */
  backoffMs?: number;
};

/** What is to be done after a failed attempt: wait, or give up, because it was one too many or must wait for too long. */
export type Wait = { waitMs: number } | { giveUp: 'attempts' | 'time' };

/** The waits for one reply. `attempt` is the one that has failed, from 1, `vainMs` the time in which it brought nothing. */
export const createWaits = ({ retriesMax, retryMsMax, backoffMs = 1_000 }: WaitLimits) => {
  let leftMs = retryMsMax;
  return {
    after(attempt: number, askedMs: number | undefined, vainMs: number): Wait {
      leftMs -= vainMs;
      if (attempt > retriesMax) return { giveUp: 'attempts' };
      const leastMs = askedMs ?? Math.min(backoffMs * 2 ** (attempt - 1), backoffMsMax);
      if (leastMs > leftMs) return { giveUp: 'time' };
      // Up to a quarter on top, so that jobs do not come back all at once; never earlier than the API asks for.
      const waitMs = Math.min(Math.round(leastMs * (1 + Math.random() / 4)), leftMs);
      leftMs -= waitMs;
      return { waitMs };
    },
  };
};

const backoffMsMax = 30_000;
