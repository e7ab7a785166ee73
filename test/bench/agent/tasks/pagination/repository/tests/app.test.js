import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApp } from '../src/app.js';

const books = Array.from({ length: 45 }, (_, index) => ({ id: index + 1 }));
const app = createApp({ books, authors: [] });

test('the first page has a next one', () => {
  const { body, headers } = app('/books');
  assert.deepEqual([body.items.length, body.page, body.pages, body.total], [20, 1, 3, 45]);
  assert.match(headers.link, /page=2&size=20>; rel="next"/);
});

test('the last page has none', () => {
  const { body, headers } = app('/books?page=3');
  assert.equal(body.items.length, 5);
  assert.doesNotMatch(headers.link, /next/);
});

test('a list without anything has one empty page', () => {
  assert.deepEqual(app('/authors').body, { items: [], page: 1, pages: 1, total: 0 });
});
