import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createAutosave } from '../src/autosave.js';

/** A store whose calls are answered by hand. */
const createHeldStore = () => {
  const calls = [];
  const put = (id, text) => new Promise((resolve, reject) => calls.push({ id, text, resolve, reject }));
  return { calls, put, sent: () => calls.map(({ text }) => text) };
};

const outcome = (promise) => promise.then(() => 'stored', (error) => error.message);

test('one save of a document at a time, and only the latest text next', { timeout: 5_000 }, async () => {
  const store = createHeldStore();
  const autosave = createAutosave(store);
  const all = ['1', '2', '3', '4'].map((text) => outcome(autosave.change('a', text)));
  await turn();
  assert.deepEqual(store.sent(), ['1']);
  store.calls[0].resolve();
  await turn();
  assert.deepEqual(store.sent(), ['1', '4']);
  assert.equal(autosave.status('a'), 'saving');
  store.calls[1].resolve();
  assert.deepEqual(await Promise.all(all), ['stored', 'stored', 'stored', 'stored']);
  assert.equal(autosave.status('a'), 'saved');
});

test('documents do not wait for each other, however many', { timeout: 5_000 }, async () => {
  const store = createHeldStore();
  const autosave = createAutosave(store);
  for (let index = 0; index < 9; index += 1) autosave.change(`d${index}`, `${index}`);
  await turn();
  assert.equal(store.calls.length, 9);
});

test('a failed save is told, and the next one goes through', { timeout: 5_000 }, async () => {
  const store = createHeldStore();
  const autosave = createAutosave(store);
  const first = outcome(autosave.change('a', '1'));
  await turn();
  store.calls[0].reject(new Error('offline'));
  assert.equal(await first, 'offline');
  assert.equal(autosave.status('a'), 'failed');
  const second = outcome(autosave.change('a', '2'));
  await turn();
  store.calls[1].resolve();
  assert.equal(await second, 'stored');
  assert.equal(autosave.status('a'), 'saved');
});

test('a later text takes the place of one that was refused', { timeout: 5_000 }, async () => {
  const store = createHeldStore();
  const autosave = createAutosave(store);
  const first = outcome(autosave.change('a', '1'));
  await turn();
  const second = outcome(autosave.change('a', '2'));
  store.calls[0].reject(new Error('offline'));
  await turn();
  assert.deepEqual(store.sent(), ['1', '2']);
  store.calls[1].resolve();
  assert.deepEqual(await Promise.all([first, second]), ['stored', 'stored']);
});

test('flush waits for what is waiting, too, and never rejects', { timeout: 5_000 }, async () => {
  const store = createHeldStore();
  const autosave = createAutosave(store);
  const changes = ['1', '2'].map((text) => outcome(autosave.change('a', text)));
  let isOver = false;
  const flushed = autosave.flush().then(() => {
    isOver = true;
  });
  await turn();
  store.calls[0].resolve();
  await turn();
  assert.equal(isOver, false);
  store.calls[1].reject(new Error('offline'));
  await flushed;
  assert.deepEqual(await Promise.all(changes), ['stored', 'offline']);
});

test('a store that throws at once is one that refuses', { timeout: 5_000 }, async () => {
  const autosave = createAutosave({
    put() {
      throw new Error('closed');
    },
  });
  assert.equal(await outcome(autosave.change('a', '1')), 'closed');
  assert.equal(autosave.status('a'), 'failed');
});
