export type WaitLimits = {
  /** Further attempts at one reply after the first. */
  retriesMax: number;
  /**
   * All time that one reply was waited for in vain: between attempts, and in failed ones, save the first that had begun
   * to answer. With that one and the last, which may begin just before the time is over, a reply has this long and twice
   * as long as a request may take.
   */
  retryMsMax: number;
  /** Wait before the first retry, doubled before each further one. Default 1,000. */
  backoffMs?: number;
};

/** How long an attempt took before it failed, and whether it had said something by then. */
type Failed = { ms: number; hadBegun: boolean };

/** What is to be done after a failed attempt: wait, or give up, because it was one too many or must wait for too long. */
export type Wait = { waitMs: number } | { giveUp: 'attempts' | 'time' };

/**
 * The waits for one reply. `attempt` is the one that has failed, from 1. A long reply may be cut once without fault; one
 * that begins again and again comes to nothing, however much it says each time.
 */
export const createWaits = ({ retriesMax, retryMsMax, backoffMs = 1_000 }: WaitLimits) => {
  let leftMs = retryMsMax;
  let oneHadBegun = false;
  return {
    after(attempt: number, askedMs: number | undefined, failed: Failed): Wait {
      if (oneHadBegun || !failed.hadBegun) leftMs -= failed.ms;
      oneHadBegun ||= failed.hadBegun;
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
