import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApi } from './start-api.js';

test('a new member gets an id, and the email is kept in lower case', async (t) => {
  const api = await startApi(t);
  const ada = { id: 1, name: 'Ada', email: 'ada@example.org' };
  assert.deepEqual(await api.post('/members', { name: 'Ada', email: 'Ada@Example.org' }), {
    status: 201,
    body: ada,
  });
  assert.deepEqual(await api.get('/members'), { status: 200, body: [ada] });
});

test('a path that nobody serves is not found', async (t) => {
  const api = await startApi(t);
  assert.deepEqual(await api.get('/cakes'), { status: 404, body: { error: 'Nothing at GET /cakes' } });
});
