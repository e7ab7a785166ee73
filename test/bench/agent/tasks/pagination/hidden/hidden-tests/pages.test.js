import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApp } from '../src/app.js';

const appWith = (count) => createApp({ books: Array.from({ length: count }, (_, id) => ({ id })), authors: [] });
const rels = (link) => Object.fromEntries([...link.matchAll(/page=(\d+)&size=\d+>; rel="(\w+)"/g)].map(([, n, rel]) => [rel, Number(n)]));

for (const [count, size, pages] of [[40, 20, 2], [20, 20, 1], [41, 20, 3], [3, 1, 3], [100, 100, 1], [1, 20, 1]]) {
  test(`${count} books, ${size} on a page, are ${pages} pages, in the body and in the links`, () => {
    const { body, headers } = appWith(count)(`/books?page=${pages}&size=${size}`);
    assert.equal(body.pages, pages);
    assert.ok(body.items.length > 0);
    assert.equal(rels(headers.link).last, pages);
    assert.equal(rels(headers.link).next, undefined);
    for (let page = 1; page < pages; page += 1) {
      assert.equal(rels(appWith(count)(`/books?page=${page}&size=${size}`).headers.link).next, page + 1);
    }
  });
}

test('no books at all are one empty page still', () => {
  const { body, headers } = appWith(0)('/books');
  assert.deepEqual(body, { items: [], page: 1, pages: 1, total: 0 });
  assert.deepEqual(rels(headers.link), { first: 1, last: 1 });
});
