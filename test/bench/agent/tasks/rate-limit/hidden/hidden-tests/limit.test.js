import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createApp } from '../src/app.js';
import { codes } from '../src/codes.js';

const setUp = () => {
  let now = 1_000_000;
  const app = createApp({ clock: () => now });
  const ask = (client, path = '/links/x') => app({ method: 'GET', path, headers: client ? { 'x-client': client } : {} });
  return { ask, wait: (ms) => (now += ms) };
};

const secondsOf = ({ headers }) => String(headers['retry-after'] ?? headers['Retry-After']);

test('five in any sixty seconds, for each client', () => {
  const { ask, wait } = setUp();
  for (let index = 0; index < 5; index += 1) {
    assert.notEqual(ask('a').status, 429);
    wait(10_000);
  }
  const refused = ask('a', '/nowhere');
  assert.equal(refused.status, 429);
  // Whether the sixtieth second itself is one of the sixty is open.
  assert.match(secondsOf(refused), /^1[01]$/);
  assert.equal(refused.headers['content-type'], 'application/problem+json');
  assert.equal(refused.body.status, 429);
  assert.ok(refused.body.code in codes);
  assert.notEqual(ask('b').status, 429);
  wait(9_001);
  assert.match(secondsOf(ask('a')), /^[12]$/);
  wait(1_000);
  assert.notEqual(ask('a').status, 429);
  assert.equal(ask('a').status, 429);
});

test('requests without a client are one client', () => {
  const { ask } = setUp();
  const statuses = Array.from({ length: 6 }, () => ask(undefined).status);
  assert.deepEqual(statuses, [404, 404, 404, 404, 404, 429]);
});

test('what is remembered is limited, and the least recently used goes first', () => {
  const { ask } = setUp();
  for (let index = 0; index < 5; index += 1) ask('first');
  for (let index = 0; index < 9_000; index += 1) ask(`a${index}`);
  assert.equal(ask('first').status, 429);
  for (let index = 0; index < 9_000; index += 1) ask(`b${index}`);
  assert.equal(ask('first').status, 429);
  for (let index = 0; index < 10_000; index += 1) ask(`c${index}`);
  assert.notEqual(ask('first').status, 429);
});

test('the house rules', () => {
  for (const file of readdirSync('src').filter((name) => name !== 'clock.js')) {
    assert.doesNotMatch(readFileSync(`src/${file}`, 'utf8'), /Date\.now|new Date|setTimeout|setInterval|performance\./, file);
  }
  const listed = [...readFileSync('README.md', 'utf8').matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, code, status]) => [code, Number(status)]);
  assert.deepEqual(listed, Object.entries(codes));
  const [, unreleased] = readFileSync('CHANGELOG.md', 'utf8').split(/^## .*\n/m);
  const lines = unreleased.split('\n').filter((line) => line.startsWith('- '));
  assert.equal(lines.length, 2);
  assert.equal(lines[1], '- Links may have up to 2,000 characters.');
});
