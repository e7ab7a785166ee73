import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAutosave } from '../src/autosave.js';
import { createMemoryStore } from '../src/memory-store.js';

test('what is typed is stored', async () => {
  const store = createMemoryStore();
  const autosave = createAutosave(store);
  const saved = autosave.change('a', 'Hello');
  assert.equal(autosave.status('a'), 'saving');
  await saved;
  assert.equal(store.get('a'), 'Hello');
  assert.equal(autosave.status('a'), 'saved');
});

test('flush waits for all', async () => {
  const store = createMemoryStore(5);
  const autosave = createAutosave(store);
  autosave.change('a', '1');
  autosave.change('b', '2');
  await autosave.flush();
  assert.deepEqual([store.get('a'), store.get('b')], ['1', '2']);
});
