import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { createOutput } from '../../../sandbox-image/toolbox/output.ts';

/** Everything that was sent, in one string, and what the end said. */
const collect = (bytesMax: number, chunks: Iterable<Uint8Array | string>) => {
  let sent = '';
  const output = createOutput({
    ...{ bytesMax, fileName: 'output-test', show: () => {} },
    send: (text) => {
      sent += text;
    },
  });
  for (const chunk of chunks) output.add(Buffer.from(chunk));
  const { bytesLeftOut, outputFile } = output.end();
  // All of it is in a file exactly when something is missing.
  const all = Buffer.concat(Array.from(chunks, (chunk) => Buffer.from(chunk)));
  assert.deepEqual(outputFile === null ? null : readFileSync(outputFile), bytesLeftOut > 0 ? all : null);
  return { bytesLeftOut, sent };
};

describe('the output of a command', () => {
  test('passes whole as long as it fits', () => {
    assert.deepEqual(collect(10, ['12345', '67890']), { sent: '1234567890', bytesLeftOut: 0 });
  });

  test('loses its middle when it does not fit, and says how much', () => {
    const { sent, bytesLeftOut } = collect(10, ['abcdefghij', 'klmnopqrst', 'uvwxyz']);
    assert.deepEqual(
      { sent, bytesLeftOut },
      { sent: 'abcde\n[16 bytes left out here]\nvwxyz', bytesLeftOut: 16 },
    );
  });

  test('keeps head and tail of thousands of tiny chunks without keeping all of them', () => {
    const chunks = Array.from({ length: 50_000 }, (_, index) => String.fromCharCode(97 + (index % 26)));
    const { sent, bytesLeftOut } = collect(100, chunks);
    const all = chunks.join('');
    assert.deepEqual(
      { sent, bytesLeftOut },
      {
        sent: `${all.slice(0, 50)}\n[49900 bytes left out here]\n${all.slice(-50)}`,
        bytesLeftOut: 49_900,
      },
    );
  });

  test('joins a character whose bytes come in two chunks', () => {
    const bytes = Buffer.from('naïve 🙂');
    const chunks = Array.from(bytes, (byte) => Uint8Array.of(byte));
    assert.deepEqual(collect(100, chunks), { sent: 'naïve 🙂', bytesLeftOut: 0 });
  });

  test('joins a character that lies across the border of head and tail', () => {
    assert.deepEqual(collect(6, ['ab€']), { sent: 'ab€', bytesLeftOut: 0 });
  });

  test('replaces bytes that are not UTF-8 and keeps NUL and control characters', () => {
    const { sent } = collect(100, [Uint8Array.of(0xff, 0x41, 0, 0x1b, 0x5b, 0x42, 0xc3)]);
    assert.equal(sent, '\ufffdA\0\u001b[B\ufffd');
  });

  test('ignores what comes after the end', () => {
    let sent = '';
    const output = createOutput({
      ...{ bytesMax: 100, fileName: 'output-test', show: () => {} },
      send: (text) => {
        sent += text;
      },
    });
    output.add(Buffer.from('in time'));
    output.end();
    output.add(Buffer.from('too late'));
    assert.equal(sent, 'in time');
  });
});
