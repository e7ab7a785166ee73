import type { Fault } from '../forge/faults.ts';
import type { Happening, Strike } from './combination.ts';
import { nameOf, type Request, type RequestName } from './requests.ts';

/** Strikes the requests of one life, or of some at once. */
export type Stage = {
  intercept(request: Request): Promise<Fault | undefined>;
  /** Aborts when a server dies here, at the latest with its next request. */
  died: AbortSignal;
  /** The strikes whose request has not come. */
  left(): readonly Strike[];
};

export const createStage = (
  strikes: readonly Strike[],
  happen: (what: Happening) => Promise<void>,
): Stage => {
  const left = new Set(strikes);
  const seen = new Map<RequestName, number>();
  const death = new AbortController();
  let isDying = false;
  let isHappening = false;

  const strike = async (what: Strike): Promise<Fault | undefined> => {
    left.delete(what);
    if ('fault' in what) return what.fault;
    if ('dies' in what) {
      isDying = true;
      return what.dies === 'after' ? { afterwards: 'drop' } : { instead: 'drop' };
    }
    isHappening = true;
    await happen(what.meanwhile);
    isHappening = false;
    return undefined;
  };

  return {
    died: death.signal,
    left: () => [...left],
    async intercept(request) {
      // What happens meanwhile makes requests of its own.
      if (isHappening) return undefined;
      if (isDying) {
        death.abort(new Error('The server is dead.'));
        return { instead: 'drop' };
      }
      const name = nameOf(request);
      if (name === undefined) return undefined;
      const nth = (seen.get(name) ?? 0) + 1;
      seen.set(name, nth);
      const due = strikes.filter((each) => each.at === name && (each.nth ?? 1) === nth);
      let fault: Fault | undefined;
      for (const each of due) fault = (await strike(each)) ?? fault;
      return fault;
    },
  };
};
