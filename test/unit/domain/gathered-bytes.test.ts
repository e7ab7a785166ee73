import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatherBytes } from '../../../server/domain/gathered-bytes.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (gathered: Uint8Array) => new TextDecoder().decode(gathered);

test('pieces come out as one, and then nothing is left', () => {
  const gathered = gatherBytes();
  for (const piece of ['a', '', 'bcd', 'e'.repeat(100), 'f']) gathered.add(bytes(piece));
  assert.equal(gathered.length, 105);
  assert.equal(textOf(gathered.take()), `abcd${'e'.repeat(100)}f`);
  assert.equal(gathered.length, 0);
  assert.equal(textOf(gathered.take()), '');
});

test('a single piece is not copied', () => {
  const gathered = gatherBytes();
  const piece = bytes('whole');
  gathered.add(piece);
  assert.equal(gathered.length, 5);
  assert.equal(gathered.take(), piece);
});

test('what was taken stays as it is while more is gathered', () => {
  const gathered = gatherBytes();
  for (const piece of ['a', 'b', 'c']) gathered.add(bytes(piece));
  const taken = gathered.take();
  for (const piece of ['x', 'y', 'z']) gathered.add(bytes(piece));
  assert.equal(textOf(taken), 'abc');
  assert.equal(textOf(gathered.take()), 'xyz');
});

test('a million pieces of a byte take little more than their bytes', () => {
  const gathered = gatherBytes();
  const before = process.memoryUsage().rss;
  for (let count = 0; count < 1_000_000; count++) gathered.add(Uint8Array.of(count % 256));
  assert.ok(process.memoryUsage().rss - before < 80 << 20);
  assert.equal(gathered.take().length, 1_000_000);
});
