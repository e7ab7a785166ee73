import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { type ClientHttp2Session } from 'node:http2';
import { type Duplex, duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { serveWayOut } from '../../../server/docker/way-out.ts';
import type { WayOut, WayOutRequest } from '../../../server/domain/sandbox.ts';
import { data, headers, literals, repeated, settings } from '../../support/security/channel/frames.ts';

/** The server's end of a way out, and the sandbox's end in the hands of the test. */
const open = () => {
  const [near, far] = duplexPair();
  far.on('error', () => {});
  const wayOut = serveWayOut(near);
  const connect = (): ClientHttp2Session => {
    const session = http2.connect('http://server', { createConnection: () => far });
    session.on('error', () => {});
    return session;
  };
  return { wayOut, near, far, connect, [Symbol.dispose]: () => wayOut.close() };
};

const request = async (session: ClientHttp2Session, headers: http2.OutgoingHttpHeaders, body = '') => {
  const stream = session.request(headers, { endStream: body === '' });
  stream.on('error', () => {});
  const status = new Promise<number | undefined>((resolve) => {
    stream.once('response', (answer) => resolve(answer[':status']));
    stream.once('close', () => resolve(undefined));
  });
  if (body !== '') stream.end(body);
  return { status: await status, text: await text(stream).catch(() => 'broken off') };
};

const answer =
  (say: (request: WayOutRequest) => string): WayOut =>
  async (asked) => ({
    status: 200,
    headers: {},
    body: (async function* () {
      yield Buffer.from(say(asked));
    })(),
  });

/** Whether the server's end still works, for a sandbox of its own. */
const assertServes = async (): Promise<void> => {
  using other = open();
  other.wayOut.open(answer(() => 'still here'));
  assert.deepEqual(await request(other.connect(), { ':path': '/' }), { status: 200, text: 'still here' });
};

describe('the way out', () => {
  test('refuses everything until somebody decides', async () => {
    using opened = open();
    const refused = { status: 403, text: 'Nothing may leave this sandbox yet.\n' };
    assert.deepEqual(await request(opened.connect(), { ':path': '/a/b.git/info/refs' }), refused);
  });

  test('is ready only when somebody listens inside', async () => {
    using opened = open();
    let isListening = false;
    const listening = opened.wayOut.listening.then(() => {
      isListening = true;
    });
    const session = opened.connect();
    await request(session, { ':path': '/' });
    assert.equal(isListening, false);
    await request(session, { ':method': 'POST', ':path': '/.backspace/listening' });
    await listening;
    assert.equal(isListening, true);
  });

  test('that closes before is never ready', async () => {
    using opened = open();
    opened.near.destroy();
    await assert.rejects(opened.wayOut.listening, /The way out of the sandbox closed/);
  });

  test('whose decision fails breaks this one request off', async () => {
    using opened = open();
    opened.wayOut.open(async ({ path }) => {
      if (path === '/fails') throw new Error('no decision');
      return answer(() => 'fine')({} as WayOutRequest);
    });
    const session = opened.connect();
    assert.equal((await request(session, { ':path': '/fails' })).status, undefined);
    assert.deepEqual(await request(session, { ':path': '/' }), { status: 200, text: 'fine' });
  });

  test('whose body fails in the middle breaks this one answer off', async () => {
    using opened = open();
    opened.wayOut.open(async () => ({
      status: 200,
      headers: {},
      body: (async function* () {
        yield Buffer.from('half ');
        throw new Error('the rest is gone');
      })(),
    }));
    const session = opened.connect();
    assert.deepEqual(await request(session, { ':path': '/' }), { status: 200, text: 'broken off' });
  });

  test('gives header values of the sandbox on as text', async () => {
    using opened = open();
    opened.wayOut.open(answer(({ method, path, headers }) => JSON.stringify({ method, path, headers })));
    const { text: seen } = await request(opened.connect(), {
      ':method': 'DELETE',
      ':path': '/../..//etc?x=%00#y',
      ':authority': 'elsewhere.example',
      'x-many': ['a', 'b'],
      __proto__x: 'c',
    });
    assert.deepEqual(JSON.parse(seen), {
      method: 'DELETE',
      path: '/../..//etc?x=%00#y',
      headers: { 'x-many': 'a, b', __proto__x: 'c' },
    });
  });
});

describe('a hostile sandbox at the way out', () => {
  test('that announces itself and resets at once does no harm', async () => {
    using opened = open();
    const session = opened.connect();
    for (let index = 0; index < 50; index++) {
      const stream = session.request({ ':method': 'POST', ':path': '/.backspace/listening' });
      stream.on('error', () => {});
      stream.close(http2.constants.NGHTTP2_CANCEL);
    }
    await opened.wayOut.listening.catch(() => {});
    await assertServes();
  });

  test('that opens and resets thousands of requests does no harm', async () => {
    using opened = open();
    let asked = 0;
    let aborted = 0;
    opened.wayOut.open(async ({ signal }) => {
      asked += 1;
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      aborted += 1;
      throw signal.reason;
    });
    const session = opened.connect();
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 100 && !session.destroyed; round++) {
      for (let index = 0; index < 50 && !session.destroyed && !session.closed; index++) {
        const stream = session.request({ ':path': `/${index}` });
        stream.on('error', () => {});
        stream.close(http2.constants.NGHTTP2_CANCEL);
      }
      await new Promise(setImmediate);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(aborted, asked);
    const grown = (process.memoryUsage().rss - before) >> 20;
    assert.ok(grown < 150, `grew by ${grown} MB`);
    await assertServes();
  });

  test('that keeps a hundred requests open gets 64 at a time', async () => {
    using opened = open();
    let waiting = 0;
    opened.wayOut.open(({ signal }) => {
      waiting += 1;
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    const session = opened.connect();
    for (let index = 0; index < 100; index++) {
      session.request({ ':path': '/' }).on('error', () => {});
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(waiting, 64);
  });

  test('that sends a body nobody reads is held up', async () => {
    using opened = open();
    const started = Promise.withResolvers<void>();
    opened.wayOut.open(() => {
      started.resolve();
      return new Promise(() => {});
    });
    const stream = opened.connect().request({ ':method': 'POST', ':path': '/' });
    stream.on('error', () => {});
    await started.promise;
    let bytes = 0;
    const chunk = Buffer.alloc(64 << 10);
    const roundsMax = 2000;
    for (let round = 0; round < roundsMax; round++) {
      bytes += chunk.length;
      if (stream.write(chunk)) continue;
      const drained = new Promise((resolve) => stream.once('drain', () => resolve(true)));
      if (!(await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, 100))]))) break;
    }
    assert.ok(bytes < 32 << 20, `${bytes} bytes were taken`);
  });

  test('that sends bodies nobody reads, in frames of one byte, does not fill the memory', async () => {
    using opened = open();
    opened.wayOut.open(() => new Promise(() => {}));
    opened.far.resume();
    opened.far.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    const streams = Array.from({ length: 64 }, (_, index) => 1 + 2 * index);
    const request = literals([':method', 'POST'], [':scheme', 'http'], [':path', '/'], [':authority', 'x']);
    opened.far.write(Buffer.concat([settings(), ...streams.map((stream) => headers(request, { stream }))]));
    const bodies = repeated(Buffer.concat(streams.map((stream) => data('x', { stream }))), 100);
    const before = process.memoryUsage().rss;
    const until = performance.now() + 1500;
    while (performance.now() < until) {
      const goesOn = opened.far.write(bodies);
      await (goesOn ? new Promise(setImmediate) : drained(opened.far, until));
    }
    const grown = (process.memoryUsage().rss - before) >> 20;
    assert.ok(grown < 60, `grew by ${grown} MB`);
    await assertServes();
  });

  test('that says good-bye loses its way out, whatever is still open', async () => {
    using opened = open();
    opened.wayOut.open(() => new Promise(() => {}));
    const session = opened.connect();
    session.request({ ':method': 'POST', ':path': '/' }).on('error', () => {});
    const closed = once(opened.near, 'close');
    session.goaway(0);
    await closed;
  });

  test('that sends garbage loses its way out', async () => {
    using opened = open();
    opened.far.resume();
    opened.far.write(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1000)));
    await assert.rejects(opened.wayOut.listening, /The way out of the sandbox closed/);
    await assertServes();
  });

  test('with headers by the thousand is refused', async () => {
    using opened = open();
    opened.wayOut.open(answer(() => 'let through'));
    const many = Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [`h${index}`, 'x'.repeat(40)]),
    );
    const { text: said } = await request(opened.connect(), { ':path': '/', ...many });
    assert.notEqual(said, 'let through');
    await assertServes();
  });
});

/** Or until the test is over: a server that lets it wait does well. */
const drained = (far: Duplex, until: number): Promise<unknown> => {
  const tooLate = new Promise((resolve) => setTimeout(resolve, Math.max(0, until - performance.now())));
  return Promise.race([once(far, 'drain'), tooLate]);
};
