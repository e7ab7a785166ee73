import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApi } from './start-api.js';

test('reviews appear with their book and make its average rating', async (t) => {
  const api = await startApi(t);
  await api.post('/books', { title: 'Dune', author: 'Frank Herbert' });
  await api.post('/members', { name: 'Ada', email: 'ada@example.org' });
  await api.post('/members', { name: 'Grace', email: 'grace@example.org' });

  const first = { memberId: 1, rating: 5, text: 'I could taste the sand.' };
  const second = { memberId: 2, rating: 4 };
  assert.deepEqual(await api.post('/books/1/reviews', first), {
    status: 201,
    body: { id: 1, bookId: 1, ...first },
  });
  assert.deepEqual(await api.post('/books/1/reviews', second), {
    status: 201,
    body: { id: 2, bookId: 1, ...second },
  });

  assert.deepEqual(await api.get('/books/1'), {
    status: 200,
    body: {
      id: 1,
      title: 'Dune',
      author: 'Frank Herbert',
      averageRating: 4.5,
      reviews: [
        { id: 1, bookId: 1, ...first },
        { id: 2, bookId: 1, ...second },
      ],
    },
  });
});
