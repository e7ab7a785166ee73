import type { Database } from './database.ts';

/** Wakes whoever waits for something that another process may do. What is missed is made up for by looking again. */
export type Wakes = AsyncDisposable & {
  /**
   * Resolves when the topic is told, or anything may have been missed, or after `lookAgainMs` (10 s); rejects when the
   * signal aborts. Whoever looks before it waits must register first: hence the two steps.
   */
  waiter(topic: string): {
    wait(signal: AbortSignal, lookAgainMs?: number): Promise<void>;
    [Symbol.dispose](): void;
  };
  /** Calls for every telling of a topic with this beginning, with the rest of it. */
  on(beginning: string, listener: (rest: string) => void): void;
};

/** One channel carries it all: `event <job>`, `queue`, `cancel <job>`. */
export const wakeChannel = 'tiny_backspace';

/** A statement for the transaction that does what is told: PostgreSQL tells it when that commits. */
export const tell = `SELECT pg_notify('${wakeChannel}', $1)`;

export const openWakes = async (database: Database): Promise<Wakes> => {
  const waiting = new Map<string, Set<() => void>>();
  const listeners: { beginning: string; listener: (rest: string) => void }[] = [];

  const wake = (topic: string) => {
    for (const one of [...(waiting.get(topic) ?? [])]) one();
    for (const { beginning, listener } of listeners) {
      if (topic.startsWith(beginning)) listener(topic.slice(beginning.length));
    }
  };
  const wakeAll = () => {
    for (const topic of [...waiting.keys()]) for (const one of [...(waiting.get(topic) ?? [])]) one();
  };
  const listening = await database.listen(wakeChannel, wake, wakeAll);

  return {
    on: (beginning, listener) => void listeners.push({ beginning, listener }),
    waiter(topic) {
      const woken = Promise.withResolvers<void>();
      const set = waiting.get(topic) ?? new Set();
      waiting.set(topic, set);
      set.add(woken.resolve);
      const forget = () => {
        set.delete(woken.resolve);
        if (set.size === 0 && waiting.get(topic) === set) waiting.delete(topic);
      };
      return {
        async wait(signal, lookAgainMs = 10_000) {
          signal.throwIfAborted();
          const abort = () => woken.reject(signal.reason);
          signal.addEventListener('abort', abort, { once: true });
          const timer = setTimeout(woken.resolve, lookAgainMs);
          try {
            await woken.promise;
          } finally {
            clearTimeout(timer);
            signal.removeEventListener('abort', abort);
          }
        },
        [Symbol.dispose]: forget,
      };
    },
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  };
};
