import { setTimeout as sleep } from 'node:timers/promises';

/** A store in memory that takes its time. */
export const createMemoryStore = (delayMs = 1) => {
  const texts = new Map();
  return {
    get: (id) => texts.get(id),
    async put(id, text) {
      await sleep(delayMs);
      texts.set(id, text);
    },
  };
};
