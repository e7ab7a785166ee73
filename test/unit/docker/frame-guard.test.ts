import assert from 'node:assert/strict';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { guardFrames } from '../../../server/docker/frame-guard.ts';
import {
  data,
  frame,
  headers,
  kinds,
  ping,
  repeated,
  windowUpdate,
} from '../../support/security/channel/frames.ts';

const open = (options: { smallFramesPerSecond?: number; prefaceBytes?: number } = {}) => {
  const [near, far] = duplexPair();
  const guarded = guardFrames(near, { smallFramesPerSecond: 1000, ...options });
  const pieces: Buffer[] = [];
  guarded.on('data', (piece: Buffer) => pieces.push(Buffer.from(piece)));
  return { guarded, far, pieces };
};

const until = async (condition: () => boolean): Promise<void> => {
  const end = performance.now() + 10_000;
  while (!condition()) {
    assert.ok(performance.now() < end, 'it did not come to that');
    await sleep(5);
  }
};

describe('frames from a sandbox', () => {
  const frames = [frame(kinds.settings), headers(Buffer.from([0x88])), data('x'.repeat(16_384)), data('')];

  test('come out one by one when many came at once', async () => {
    const { far, pieces } = open();
    far.write(Buffer.concat(frames));
    await until(() => pieces.length === frames.length);
    assert.deepEqual(pieces, frames);
  });

  test('come out whole however they were cut', async () => {
    const { far, pieces } = open();
    const bytes = Buffer.concat(frames);
    for (const byte of bytes.subarray(0, 40)) far.write(Uint8Array.of(byte));
    far.write(bytes.subarray(40, 10_000));
    far.write(bytes.subarray(10_000));
    await until(() => pieces.length === frames.length);
    assert.deepEqual(pieces, frames);
  });

  test('come behind what a client says first', async () => {
    const { far, pieces } = open({ prefaceBytes: 5 });
    far.write('hel');
    far.write(Buffer.concat([Buffer.from('lo'), ping()]));
    await until(() => pieces.length === 3);
    assert.deepEqual(pieces, [Buffer.from('hel'), Buffer.from('lo'), ping()]);
  });

  const refused = {
    'of a kind that nobody knows': frame(kinds.unheardOf),
    'with a promise': frame(kinds.push, '\0\0\0\x02'),
    'with a priority': frame(kinds.priority, '\0\0\0\0\0'),
    'with another service': frame(kinds.altsvc, '\0\0'),
    'longer than allowed': data('x'.repeat(16_385)),
    'that claim to be longer than allowed': frame(kinds.data, '', { length: 0xffffff }),
  };
  for (const [name, bytes] of Object.entries(refused)) {
    test(`${name} end the stream, and what came before passes`, async () => {
      const { guarded, far, pieces } = open();
      far.write(Buffer.concat([ping(), bytes]));
      const [error] = (await once(guarded, 'error')) as [Error];
      assert.equal(error.message, 'The toolbox sent a frame that is none of its own.');
      assert.deepEqual(pieces, [ping()]);
    });
  }

  test('about the session end it when they are too many', async () => {
    const { guarded, far, pieces } = open({ smallFramesPerSecond: 1e6 });
    const closed = once(guarded, 'error');
    far.write(repeated(ping(), 20_000));
    await closed;
    assert.equal(pieces.length, 10_000);
  });
});

describe('small frames from a sandbox', () => {
  test('come at a pace after the first thousands, and none is lost', async () => {
    const { far, pieces } = open({ smallFramesPerSecond: 10_000 });
    const sent = 12_000;
    const started = performance.now();
    for (let count = 0; count < sent; count += 1000) far.write(repeated(windowUpdate(1), 1000));
    await until(() => pieces.length === sent);
    const tookMs = performance.now() - started;
    assert.ok(tookMs > 600, `${tookMs} ms`);
  });

  test('hold nobody up when they are large', async () => {
    const { far, pieces } = open({ smallFramesPerSecond: 1 });
    const sent = 6000;
    for (let count = 0; count < sent; count += 1000) far.write(repeated(data('x'.repeat(5000)), 1000));
    await until(() => pieces.length === sent);
  });
});
