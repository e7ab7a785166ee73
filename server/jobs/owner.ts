import type { Log } from '../domain/log.ts';

/** Disposes what it was given, the last first, and never throws: a failure is logged. */
export type Owner = AsyncDisposable & { own<T extends AsyncDisposable>(thing: T): T };

/** When a job's things are thrown away its end is known, and a pull request may be open: nothing can undo that. */
export const createOwner = (jobId: string, log: Log): Owner => {
  const stack = new AsyncDisposableStack();
  return {
    own(thing) {
      stack.defer(async () => {
        try {
          await thing[Symbol.asyncDispose]();
        } catch (err) {
          log.error({ jobId, err }, 'something of the job could not be disposed');
        }
      });
      return thing;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};
