import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Duplex, duplexPair } from 'node:stream';
import { describe, test } from 'node:test';
import { createExecDuplex } from '../../../server/docker/exec-duplex.ts';

const frame = (stream: number, text: string): Buffer => {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
};

/** An exec whose Docker side is in the test's hands. */
const open = () => {
  const [near, docker] = duplexPair();
  return { exec: createExecDuplex(near), near, docker };
};
const textOf = async (stream: Duplex) => Buffer.concat(await Array.fromAsync(stream)).toString();
/** An exec's stream has no end of its own: it closes when Docker's side ends. */
const textUntilClosed = async (exec: Duplex) => {
  const chunks: Buffer[] = [];
  exec.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(exec, 'close');
  return Buffer.concat(chunks).toString();
};

describe('the frames of a docker exec', () => {
  test('are taken out of their frames', async () => {
    const { exec, docker } = open();
    docker.write(Buffer.concat([frame(1, 'one '), frame(1, ''), frame(1, 'two')]));
    docker.end();
    assert.equal(await textUntilClosed(exec), 'one two');
  });

  test('may come cut at every byte', async () => {
    const { exec, docker } = open();
    const bytes = Buffer.concat([frame(1, 'hello'), frame(1, ' world')]);
    for (const byte of bytes) docker.write(Uint8Array.of(byte));
    docker.end();
    assert.equal(await textUntilClosed(exec), 'hello world');
  });

  test('tens of thousands of tiny ones in one chunk are no problem', async () => {
    const { exec, docker } = open();
    docker.write(Buffer.concat(Array.from({ length: 50_000 }, () => frame(1, 'x'))));
    docker.end();
    assert.equal((await textUntilClosed(exec)).length, 50_000);
  });

  test('wait while nobody reads', async () => {
    const { exec, docker } = open();
    const chunk = frame(1, 'y'.repeat(100_000));
    let chunks = 0;
    while (docker.write(chunk) && chunks < 1000) {
      chunks += 1;
      await new Promise(setImmediate);
    }
    assert.ok(chunks < 20, `${chunks} chunks were taken`);
    const goesOn = once(docker, 'drain');
    exec.resume();
    await goesOn;
  });

  for (const [name, header] of Object.entries({
    'stderr, for which nobody asked': [2, 0, 0, 0, 0, 0, 0, 1],
    'a stream that does not exist': [3, 0, 0, 0, 0, 0, 0, 1],
    'padding that is not zero': [1, 0, 9, 0, 0, 0, 0, 1],
    'a length of gigabytes': [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
    'no frame at all': Array.from(Buffer.from('HTTP/1.1 500 Internal Server Error')),
  })) {
    test(`with ${name} end the stream`, async () => {
      const { exec, docker } = open();
      docker.write(Uint8Array.from(header));
      const [error] = (await once(exec, 'error')) as [Error];
      assert.equal(error.message, 'Docker sent a frame header that cannot be one.');
    });
  }

  test('a connection that breaks ends the stream and nothing else', async () => {
    const { exec, near } = open();
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    exec.once('close', resolve);
    near.destroy(new Error('reset'));
    await closed;
    assert.ok(exec.destroyed);
  });
});

test('what is written to an exec reaches its stdin, and the end of it, too', async () => {
  const { exec, docker } = open();
  exec.cork();
  for (const word of ['a', 'b', 'c']) exec.write(word);
  exec.uncork();
  exec.end();
  assert.equal(await textOf(docker), 'abc');
});
