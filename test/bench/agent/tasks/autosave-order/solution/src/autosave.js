import { createStatus } from './status.js';

export const createAutosave = (store) => {
  const status = createStatus();
  /** Of each document that is being saved: the texts that wait for their turn, and the end of it all. */
  const byId = new Map();

  const change = (id, text) => {
    status.set(id, 'saving');
    return new Promise((resolve, reject) => {
      const waiting = { text, resolve, reject };
      const lane = byId.get(id);
      if (lane) return void lane.queue.push(waiting);
      const opened = { queue: [waiting] };
      byId.set(id, opened);
      opened.done = work(id, opened.queue);
    });
  };

  /** One save at a time, and each with the latest text; who was overtaken shares the fate of that one. */
  const work = async (id, queue) => {
    let overtaken = [];
    while (queue.length > 0) {
      const taken = [...overtaken, ...queue.splice(0)];
      overtaken = [];
      const failure = await attempt(id, taken.at(-1).text);
      if (!failure) {
        if (queue.length === 0) status.set(id, 'saved');
        for (const { resolve } of taken) resolve();
      } else if (queue.length > 0) {
        overtaken = taken;
      } else {
        status.set(id, 'failed');
        for (const { reject } of taken) reject(failure.error);
      }
    }
    byId.delete(id);
  };

  const attempt = async (id, text) => {
    try {
      await store.put(id, text);
      return undefined;
    } catch (error) {
      return { error };
    }
  };

  const flush = async () => {
    while (byId.size > 0) await Promise.all([...byId.values()].map(({ done }) => done));
  };

  return { change, flush, status: status.get };
};
