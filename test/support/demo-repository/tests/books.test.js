import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApi } from './start-api.js';

const dune = { title: 'Dune', author: 'Frank Herbert', pages: 688 };

test('there are no books at first', async (t) => {
  const api = await startApi(t);
  assert.deepEqual(await api.get('/books'), { status: 200, body: [] });
});

test('a new book gets an id and appears in the list', async (t) => {
  const api = await startApi(t);
  assert.deepEqual(await api.post('/books', dune), { status: 201, body: { id: 1, ...dune } });
  assert.deepEqual(await api.get('/books'), {
    status: 200,
    body: [{ id: 1, ...dune, averageRating: null }],
  });
});

test('a book does not need a number of pages', async (t) => {
  const api = await startApi(t);
  const book = { title: 'Beowulf', author: 'Unknown' };
  assert.deepEqual(await api.post('/books', book), { status: 201, body: { id: 1, ...book } });
});

test('asking for a book that is not there says so', async (t) => {
  const api = await startApi(t);
  assert.deepEqual(await api.get('/books/7'), { status: 404, body: { error: 'No book with id 7' } });
});
