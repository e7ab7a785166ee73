import { createStatus } from './status.js';

export const createAutosave = (store) => {
  const status = createStatus();
  const underWay = new Set();
  let isBusy = false;

  const change = async (id, text) => {
    status.set(id, 'saving');
    while (isBusy) await Promise.race(underWay);
    isBusy = underWay.size >= 4;
    const saving = store.put(id, text);
    underWay.add(saving);
    await saving;
    underWay.delete(saving);
    isBusy = false;
    status.set(id, 'saved');
  };

  const flush = async () => {
    await Promise.all(underWay);
  };

  return { change, flush, status: status.get };
};
