import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { openCalls } from '../../../server/docker/calls.ts';
import { serveWayOut } from '../../../server/docker/way-out.ts';
import { type Random, startRandom, times } from '../../support/sample.ts';
import {
  data,
  flags,
  frame,
  headers,
  kinds,
  literals,
  settings,
  uint32,
  windowUpdate,
} from '../../support/security/channel/frames.ts';

/**
 * Frames by chance, most of them in order and some not, at whichever moment of a session's life: none may end the
 * process. An exception that nobody caught would fail this file.
 */

const rounds = times(400, 5000);
const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

const strange = (random: Random): Buffer => {
  const stream = pick(random, [0, 1, 1, 3, 5, 2, 99, 0x7fffffff]);
  const block = literals([
    pick(random, [':status', ':path', 'a', 'A', '\0']),
    pick(random, ['', '1', '421', 'x'.repeat(300)]),
  ]);
  return pick(random, [
    () =>
      frame(Math.floor(random() * 13), Buffer.alloc(Math.floor(random() * 20)), {
        stream,
        flag: Math.floor(random() * 256),
      }),
    () => headers(block, { stream, flag: pick(random, [0, 4, 5, 12]) }),
    () => data(pick(random, ['', '\xff', 'x'.repeat(5000)]), { stream, flag: pick(random, [0, 1, 8]) }),
    () => frame(kinds.reset, uint32(Math.floor(random() * 14)), { stream }),
    () => settings([Math.floor(random() * 7), pick(random, [0, 1, 16_384, 0x7fffffff])]),
    () => windowUpdate(pick(random, [0, 1, 0x7fffffff]), stream),
  ])();
};

/** An answer to one of the calls, or a part of it. */
const answer = (random: Random): Buffer => {
  const stream = pick(random, [1, 3, 5, 7]);
  const status = pick(random, ['200', '200', '200', '200', '103', '204', '421', '500']);
  return pick(random, [
    () => headers(literals([':status', status]), { stream, flag: pick(random, [flags.endHeaders, 5]) }),
    () =>
      data(pick(random, ['{}', '{}\n', 'x'.repeat(5000)]), {
        stream,
        flag: pick(random, [0, 0, flags.endStream]),
      }),
    () => headers(literals(['backspace-end', 'whole']), { stream, flag: 5 }),
    () => frame(kinds.reset, uint32(Math.floor(random() * 14)), { stream }),
  ])();
};

const request = (random: Random, stream: number): Buffer => {
  const path = pick(random, ['/', '/.backspace/listening', '/x']);
  const extra = pick(random, [
    ['a', 'b'],
    ['expect', '100-continue'],
    ['content-length', '3'],
    ['x-backspace-target', '%'],
  ] as const);
  const block = literals(
    [':method', pick(random, ['GET', 'POST', 'HEAD'])],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'x'],
    [...extra],
  );
  return pick(random, [
    () => headers(block, { stream, flag: pick(random, [flags.endHeaders, 5]) }),
    () => headers(literals([':method', 'CONNECT'], [':authority', 'x:443']), { stream }),
    () => Buffer.concat([headers(block, { stream }), data('xyz', { stream, flag: pick(random, [0, 1]) })]),
    () => Buffer.concat([headers(block, { stream }), frame(kinds.reset, uint32(8), { stream })]),
  ])();
};

const sendByChance = async (
  random: Random,
  far: Duplex,
  ordinary: (count: number) => Buffer,
): Promise<void> => {
  const strangeness = pick(random, [0, 0, 0.02, 0.2]);
  for (let count = 0; count < 20; count++) {
    far.write(random() < strangeness ? strange(random) : ordinary(count));
    if (random() < 0.5) await turn();
  }
  await turn();
};

const body = async function* () {
  for (let count = 0; count < 3; count++) {
    yield Buffer.alloc(1000);
    await turn();
  }
};

test(`calls bear ${rounds} sessions of random frames, and each call ends`, async () => {
  const random = startRandom('random frames of calls');
  for (let round = 0; round < rounds; round++) {
    const [near, far] = duplexPair();
    far.on('error', () => {}).resume();
    const calls = openCalls(near);
    const given = new AbortController();
    const { signal } = given;
    const ended = Promise.allSettled([
      calls.ask('/read', {}, z.unknown(), signal),
      Array.fromAsync(calls.lines('/exec', {}, z.unknown(), signal, { body: body() })),
      Array.fromAsync(calls.bytes('/tar-out', {}, signal)),
      calls.send('/tar-in', body(), signal),
    ]);
    far.write(settings());
    await sendByChance(random, far, () => answer(random));
    given.abort(new Error('given up'));
    assert.equal((await ended).length, 4);
    calls.close();
  }
});

test(`the way out bears ${rounds} sessions of random frames`, async () => {
  const random = startRandom('random frames of the way out');
  for (let round = 0; round < rounds; round++) {
    const [near, far] = duplexPair();
    far.on('error', () => {}).resume();
    const wayOut = serveWayOut(near);
    wayOut.open(async ({ body: asked }) => {
      if (random() < 0.2) throw new Error('no decision');
      if (random() < 0.4) await turn();
      if (random() < 0.4) await Array.fromAsync(asked);
      return { status: pick(random, [200, 204, 304, 403]), headers: { a: 'b' }, body: body() };
    });
    far.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    far.write(settings());
    await sendByChance(random, far, (count) => request(random, 1 + 2 * count));
    wayOut.close();
    await turn();
    assert.ok(near.destroyed);
  }
});
