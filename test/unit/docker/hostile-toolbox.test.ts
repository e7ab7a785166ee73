import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import http2, { type ServerHttp2Stream } from 'node:http2';
import { type Duplex, duplexPair } from 'node:stream';
import { describe, test } from 'node:test';
import tar from 'tar-stream';
import { openCalls } from '../../../server/docker/calls.ts';
import { createToolbox } from '../../../server/docker/toolbox.ts';
import type { WorkspaceFile } from '../../../server/domain/changeset.ts';
import { AppError } from '../../../server/domain/errors.ts';

/**
 * The other end of the channel in the hands of somebody who took the sandbox over. Whatever it sends ends in
 * `sandbox_lost` for this sandbox; an exception that nobody caught would fail the test file.
 */
const signal = () => AbortSignal.timeout(10_000);
const ask = { filepath: 'a.txt', bytesMax: 1000 };
const command = { command: 'true', timeoutMs: 5000, outputBytesMax: 1000 };

/** A toolbox without any HTTP/2: only bytes. */
const openRaw = () => {
  const [near, far] = duplexPair();
  far.on('error', () => {});
  const calls = openCalls(near);
  return { calls, far, toolbox: createToolbox(calls, { filesMax: 1000, workspaceBytes: 1 << 30 }) };
};

type Entry = Partial<tar.Header> & { name: string };
type Answer = (stream: ServerHttp2Stream, path: string) => void;

/** A toolbox that speaks HTTP/2 and answers as the test says. */
const openHostile = (answer: Answer) => {
  const raw = openRaw();
  const session = http2.performServerHandshake(raw.far, { settings: { initialWindowSize: 1 << 20 } });
  session.on('error', () => {});
  session.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    answer(stream, String(headers[':path']));
  });
  return { ...raw, session, [Symbol.dispose]: () => raw.calls.close() };
};

const code = (promise: Promise<unknown>) =>
  promise.then(
    (value) => `no error: ${JSON.stringify(value)}`,
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
const message = (promise: Promise<unknown>) =>
  promise.then(
    (value) => `no error: ${JSON.stringify(value)}`,
    (error: Error) => error.message,
  );

const say = (text: string | Uint8Array): Answer => {
  return (stream) => {
    stream.respond({ ':status': 200 });
    stream.end(text);
  };
};
/** With the trailer by which an honest toolbox says that this was all. */
const sayWhole = (text: string | Uint8Array): Answer => {
  return (stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers({ 'backspace-end': 'whole' }));
    stream.end(text);
  };
};

/** Writes without end, with backpressure, and counts what the server took. */
const sayForEver = (chunk: string) => {
  const counted = { bytes: 0 };
  const answer: Answer = (stream) => {
    stream.respond({ ':status': 200 });
    const more = () => {
      let goesOn = true;
      while (goesOn && !stream.destroyed) {
        counted.bytes += chunk.length;
        goesOn = stream.write(chunk);
      }
    };
    stream.on('drain', more);
    more();
  };
  return { answer, counted };
};

describe('a toolbox that does not speak HTTP/2', () => {
  const firstBytes: Record<string, Uint8Array> = {
    'random bytes': randomBytes(100_000),
    zeroes: Buffer.alloc(100_000),
    'a server of HTTP/1': Buffer.from('HTTP/1.1 200 OK\r\n\r\n'),
    'a frame of 16 MB': Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]),
    'headers of a stream that nobody opened': Buffer.from([0, 0, 1, 1, 4, 0, 0, 0, 99, 0x88]),
  };
  for (const [name, bytes] of Object.entries(firstBytes)) {
    test(`but sends ${name} loses its sandbox`, async () => {
      const { calls, far, toolbox } = openRaw();
      far.resume();
      const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
      const reading = code(toolbox.read(ask, signal()));
      far.write(name.startsWith('headers') ? Buffer.concat([settings, bytes]) : bytes);
      far.end();
      assert.equal(await reading, 'sandbox_lost');
      assert.equal(await code(toolbox.read(ask, signal())), 'sandbox_lost');
      calls.close();
    });
  }

  test('that floods with settings and pings does not fill the memory', async () => {
    const { calls, far, toolbox } = openRaw();
    const reading = code(toolbox.read(ask, signal()));
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    const ping = Buffer.concat([Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0]), Buffer.alloc(8)]);
    const flood = Buffer.concat(Array.from({ length: 2000 }, (_, index) => (index % 2 ? ping : settings)));
    const before = process.memoryUsage().rss;
    await floodUntilClosed(far, flood);
    assert.equal(await reading, 'sandbox_lost');
    assertGrew(before, 100);
    calls.close();
  });

  test('that says nothing at all lets a call be aborted', async () => {
    const { calls, toolbox } = openRaw();
    const reason = new Error('given up');
    const reading = toolbox.read(ask, AbortSignal.abort(reason));
    await assert.rejects(reading, reason);
    const controller = new AbortController();
    const waiting = toolbox.read(ask, controller.signal);
    setTimeout(() => controller.abort(reason), 20);
    await assert.rejects(waiting, reason);
    calls.close();
  });
});

describe('a toolbox that answers a call wrongly', () => {
  const wrong: Record<string, [Answer, RegExp]> = {
    'without JSON': [say('<html>'), /is not JSON/],
    'with another shape': [say('{"ok":true,"content":7}'), /has not the agreed form/],
    'with a refusal that has no message': [say('{"ok":false}'), /has not the agreed form/],
    'with an array': [say('[]'), /has not the agreed form/],
    'with nothing': [say(''), /is not JSON/],
    'with an error status': [
      (stream) => {
        stream.respond({ ':status': 500 });
        stream.end('x'.repeat(100_000));
      },
      /answered 500 to \/read: x{2000}$/,
    ],
    'with a reset': [
      (stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR),
      /broke its answer off/,
    ],
    'with a reset in the middle': [
      (stream) => {
        stream.respond({ ':status': 200 });
        stream.write('{"ok":');
        setTimeout(() => stream.destroy(new Error('enough')), 20);
      },
      /broke its answer off|is not JSON/,
    ],
    'with the end of the session': [(stream) => stream.session?.destroy(), /its channel is gone/],
    'with a good-bye': [(stream) => stream.session?.close(), /broke its answer off|channel is gone/],
    'with giant headers': [
      (stream) => {
        stream.respond({ ':status': 200, giant: 'x'.repeat(60_000) });
        stream.end();
      },
      /broke its answer off|channel is gone|is not JSON/,
    ],
    'with a thousand headers': [
      (stream) => {
        stream.respond({
          ':status': 200,
          ...Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`h${n}`, 'x'])),
        });
        stream.end();
      },
      /broke its answer off|channel is gone/,
    ],
  };
  for (const [name, [answer, expected]] of Object.entries(wrong)) {
    test(`${name} loses its sandbox`, async () => {
      using hostile = openHostile((stream, path) => {
        try {
          answer(stream, path);
        } catch (error) {
          // Node refuses to send some headers itself; a reset is what is left then.
          stream.destroy(error as Error);
        }
        if (name === 'with a good-bye') setTimeout(() => stream.destroy(), 50);
      });
      const reading = hostile.toolbox.read(ask, signal());
      assert.match(await message(reading), expected);
      assert.equal(await code(reading), 'sandbox_lost');
    });
  }

  test('for ever is stopped at what the answer can be', async () => {
    const { answer, counted } = sayForEver('x'.repeat(64 << 10));
    using hostile = openHostile(answer);
    const before = process.memoryUsage().rss;
    assert.match(await message(hostile.toolbox.read(ask, signal())), /is too large/);
    assert.ok(counted.bytes < 8 << 20, `${counted.bytes} bytes`);
    assertGrew(before, 100);
  });
});

describe('a toolbox that answers a command wrongly', () => {
  test('with a line that never ends is stopped', async () => {
    const { answer, counted } = sayForEver('x'.repeat(64 << 10));
    using hostile = openHostile(answer);
    assert.match(await message(hostile.toolbox.exec(command, signal())), /is too long/);
    assert.ok(counted.bytes < 64 << 20, `${counted.bytes} bytes`);
  });

  test('with more output than asked for is stopped', async () => {
    const { answer, counted } = sayForEver(`{"output":"${'x'.repeat(500)}"}\n`);
    using hostile = openHostile(answer);
    assert.match(await message(hostile.toolbox.exec(command, signal())), /more output than asked for/);
    assert.ok(counted.bytes < 64 << 20, `${counted.bytes} bytes`);
  });

  test('with empty pieces for ever is stopped', async () => {
    const { answer } = sayForEver('{"output":""}\n');
    using hostile = openHostile(answer);
    assert.match(await message(hostile.toolbox.exec(command, signal())), /more output than asked for/);
  });

  const lines: Record<string, [Answer, RegExp]> = {
    'with half a line': [sayWhole('{"output":"a"}\n{"exit'), /ends in the middle of a line/],
    'without an end': [sayWhole('{"output":"a"}\n'), /did not say how the command ended/],
    'with an exit code that is none': [
      sayWhole('{"exitCode":"0","durationMs":1,"timedOut":false,"bytesLeftOut":0}\n'),
      /has not the agreed form/,
    ],
    'with a duration below zero': [
      sayWhole('{"exitCode":0,"durationMs":-1,"timedOut":false,"bytesLeftOut":0}\n'),
      /has not the agreed form/,
    ],
    'with ten thousand nested arrays': [sayWhole(`${'['.repeat(10_000)}\n`), /is not JSON/],
  };
  for (const [name, [answer, expected]] of Object.entries(lines)) {
    test(`${name} loses its sandbox`, async () => {
      using hostile = openHostile(answer);
      const running = hostile.toolbox.exec(command, signal());
      assert.match(await message(running), expected);
      assert.equal(await code(running), 'sandbox_lost');
    });
  }
});

describe('a toolbox that lists wrongly', () => {
  const line = (file: object) =>
    `${JSON.stringify({ path: 'a', mode: '100644', blobId: '0'.repeat(40), size: 1, ...file })}\n`;

  test('files without end is stopped at the limit', async () => {
    let number = 0;
    using hostile = openHostile((stream) => {
      stream.respond({ ':status': 200 });
      const more = () => {
        while (!stream.destroyed && stream.write(line({ path: `file-${number++}` })));
      };
      stream.on('drain', more);
      more();
    });
    assert.match(
      await message(hostile.toolbox.files([], signal())),
      /has more files than the server looks at/,
    );
  });

  test('the same file without end is stopped at the limit', async () => {
    const { answer } = sayForEver(line({}));
    using hostile = openHostile(answer);
    assert.match(
      await message(hostile.toolbox.files([], signal())),
      /has more files than the server looks at/,
    );
  });

  test('files with the longest names there are is stopped by their letters', async () => {
    let number = 0;
    const name = 'x'.repeat(4000);
    using hostile = openHostile((stream) => {
      stream.respond({ ':status': 200 });
      for (; number < 60; number++) stream.write(line({ path: `${name}${number}` }));
    });
    assert.match(
      await message(hostile.toolbox.files([], signal())),
      /has more files than the server looks at/,
    );
  });

  const wrong = {
    'an empty path': { path: '' },
    'a path without end': { path: 'x'.repeat(5000) },
    'a mode that git has not': { mode: '100666' },
    'a submodule': { mode: '160000' },
    'an id that is none': { blobId: '../../etc/passwd' },
    'a size below zero': { size: -1 },
  };
  for (const [name, file] of Object.entries(wrong)) {
    test(`${name} loses its sandbox`, async () => {
      using hostile = openHostile(sayWhole(line(file)));
      assert.match(await message(hostile.toolbox.files([], signal())), /has not the agreed form/);
    });
  }

  test('and breaks off, in whichever way, has not listed', async () => {
    const ways: Record<string, Answer> = {
      'without the trailer': say(line({})),
      'with another trailer': (stream) => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.once('wantTrailers', () => stream.sendTrailers({ 'backspace-end': 'broken no%20space%E' }));
        stream.end(line({}));
      },
      'with a reset behind it': (stream) => {
        stream.respond({ ':status': 200 });
        stream.write(line({}), () => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
      },
    };
    for (const [name, answer] of Object.entries(ways)) {
      using hostile = openHostile(answer);
      assert.equal(await code(hostile.toolbox.files([], signal())), 'sandbox_lost', name);
    }
  });
});

describe('an archive', () => {
  const hello = Buffer.from('hello');
  const id = createHash('sha1').update(`blob ${hello.length}\0`).update(hello).digest('hex');
  const listed: WorkspaceFile[] = [{ path: 'a.txt', mode: '100644', blobId: id, size: 5 }];
  const archive = (entries: [Entry, (Buffer | string)?][]): Promise<Buffer> => {
    const pack = tar.pack();
    for (const [header, content] of entries) pack.entry(header, content ?? '');
    pack.finalize();
    return Array.fromAsync(pack as AsyncIterable<Buffer>).then((chunks) => Buffer.concat(chunks));
  };
  const fetch = async (bytes: Buffer, files = listed) => {
    using hostile = openHostile(sayWhole(bytes));
    const contents = hostile.toolbox.contents(files, signal());
    return (await code(contents)) === 'sandbox_lost' ? message(contents) : code(contents);
  };

  test('with exactly what was asked for is taken', async () => {
    using hostile = openHostile(sayWhole(await archive([[{ name: 'a.txt' }, hello]])));
    const contents = await hostile.toolbox.contents(listed, signal());
    assert.deepEqual(contents, [hello]);
  });

  const refused: Record<string, [[Entry, (Buffer | string)?][], RegExp]> = {
    'a file that nobody asked for': [[[{ name: 'b.txt' }, hello]], /"b.txt", which was not asked for/],
    'a name that leads out': [
      [[{ name: '../../../etc/passwd' }, hello]],
      /"..\/..\/..\/etc\/passwd", which was not asked for/,
    ],
    'an absolute name': [[[{ name: '/a.txt' }, hello]], /"\/a.txt", which was not asked for/],
    'a file twice': [
      [
        [{ name: 'a.txt' }, hello],
        [{ name: 'a.txt' }, hello],
      ],
      /which was not asked for/,
    ],
    'other bytes': [[[{ name: 'a.txt' }, 'olleh']], /a.txt changed while it was read/],
    'more bytes than listed': [[[{ name: 'a.txt' }, 'x'.repeat(6)]], /longer than it was listed/],
    'fewer bytes than listed': [[[{ name: 'a.txt' }, 'hell']], /a.txt changed while it was read/],
    'a link in place of a file': [
      [[{ name: 'a.txt', type: 'symlink', linkname: 'hello' }]],
      /not the kind of file that was listed/,
    ],
    'a hard link in place of a file': [
      [[{ name: 'a.txt', type: 'link', linkname: '/etc/passwd' }]],
      /not the kind of file|changed while it was read/,
    ],
    'a device in place of a file': [
      [[{ name: 'a.txt', type: 'character-device', devmajor: 1, devminor: 5 }]],
      /not the kind of file|changed while it was read/,
    ],
    'a directory in place of a file': [
      [[{ name: 'a.txt', type: 'directory' }]],
      /not the kind|not asked for/,
    ],
    nothing: [[], /does not hold a.txt/],
  };
  for (const [name, [entries, expected]] of Object.entries(refused)) {
    test(`with ${name} is refused`, async () => {
      assert.match(await fetch(await archive(entries)), expected);
    });
  }

  test('that is no archive, or half of one, is refused', async () => {
    const whole = await archive([[{ name: 'a.txt' }, hello]]);
    const broken = {
      random: randomBytes(4096),
      'half a header': whole.subarray(0, 300),
      half: whole.subarray(0, 514),
    };
    for (const [name, bytes] of Object.entries(broken)) {
      assert.doesNotMatch(await fetch(bytes), /^no error/, name);
    }
  });

  /** An extended header (pax) that says of itself that it has so many bytes. */
  const extended = async (size: number): Promise<Buffer> => {
    const header = (await archive([[{ name: 'a.txt', size: 0 }]])).subarray(0, 512);
    header.write('x', 156);
    header.write(size.toString(8).padStart(11, '0'), 124);
    const sum = Buffer.from(header)
      .fill(' ', 148, 156)
      .reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return header;
  };

  test('whose header claims gigabytes is not waited for', async () => {
    using hostile = openHostile(sayWhole(Buffer.concat([await extended(4 << 28), Buffer.alloc(1 << 16)])));
    assert.equal(await code(hostile.toolbox.contents(listed, signal())), 'sandbox_lost');
  });

  test('of headers without end is stopped', async () => {
    const comment = Buffer.alloc(512, 0);
    comment.write('12 comment=\n');
    const chunk = Buffer.concat([await extended(12), comment]);
    const { answer, counted } = sayForEver(
      Buffer.concat(Array.from({ length: 60 }, () => chunk)).toString('latin1'),
    );
    using hostile = openHostile(answer);
    assert.match(
      await message(hostile.toolbox.contents(listed, signal())),
      /larger than what it was to hold/,
    );
    assert.ok(counted.bytes < 64 << 20, `${counted.bytes} bytes`);
  });
});

test('a body that fails while it is sent closes its call and says why', async () => {
  const closed = Promise.withResolvers<number>();
  using hostile = openHostile((stream) => {
    stream.resume();
    stream.once('close', () => closed.resolve(stream.rstCode));
  });
  const body = async function* () {
    yield Buffer.from('some');
    throw new Error('the source dried up');
  };
  assert.equal(await message(hostile.toolbox.unpack(body(), signal())), 'the source dried up');
  assert.equal(await closed.promise, http2.constants.NGHTTP2_CANCEL);
});

test('a toolbox that does not take a body does not let it pile up', async () => {
  using hostile = openHostile((stream) => stream.pause());
  let bytes = 0;
  const body = async function* () {
    for (;;) {
      bytes += 64 << 10;
      yield Buffer.alloc(64 << 10);
    }
  };
  const stopped = new AbortController();
  setTimeout(() => stopped.abort(new Error('stopped')), 300);
  assert.equal(await message(hostile.toolbox.unpack(body(), stopped.signal)), 'stopped');
  assert.ok(bytes < 32 << 20, `${bytes} bytes`);
});

const floodUntilClosed = async (far: Duplex, flood: Buffer): Promise<void> => {
  const roundsMax = 200;
  far.setMaxListeners(0);
  for (let round = 0; round < roundsMax && !far.destroyed && !far.writableEnded; round++) {
    if (!far.write(flood)) {
      await Promise.race([
        new Promise((resolve) => far.once('drain', resolve)),
        new Promise((resolve) => far.once('close', resolve)),
        new Promise((resolve) => setTimeout(resolve, 50)),
      ]);
    }
  }
  far.destroy();
};

const assertGrew = (before: number, megabytesMax: number): void => {
  const grown = (process.memoryUsage().rss - before) / (1 << 20);
  assert.ok(grown < megabytesMax, `grew by ${grown.toFixed(0)} MB`);
};
