import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApp } from '../src/app.js';

test('a link is made and followed', () => {
  const app = createApp({ clock: () => 0 });
  const { status, headers } = app({ method: 'POST', path: '/links', headers: {}, body: { url: 'https://a.example' } });
  assert.equal(status, 201);
  assert.equal(app({ method: 'GET', path: headers.location, headers: {} }).headers.location, 'https://a.example');
});

test('an unknown link is a problem', () => {
  const answer = createApp()({ method: 'GET', path: '/links/zz', headers: {} });
  assert.deepEqual([answer.status, answer.body.code], [404, 'not_found']);
});
