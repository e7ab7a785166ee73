import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import tls from 'node:tls';
import { createHelloReader, helloBytesMax } from '../../../../server/docker/egress/client-hello.ts';
import { buildClientHello, serverNameExtension, sized } from '../../../support/tls-client-hello.ts';

const read = (...pieces: Uint8Array[]) => {
  const reader = createHelloReader();
  for (const piece of pieces) {
    const state = reader.push(piece);
    if (state.state !== 'more') return state;
  }
  return { state: 'more' };
};

const bytewise = (bytes: Buffer): Buffer[] => Array.from(bytes, (byte) => Buffer.from([byte]));
const done = { state: 'done', serverName: 'github.com' };
const refused = (reason: string) => ({ state: 'refused', reason });
const notAClientHello = refused('The first bytes are not a TLS ClientHello.');

/** What node:tls sends first. */
const realHello = async (options: tls.ConnectionOptions): Promise<Buffer> => {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const wire = new Duplex({
    read() {},
    write(chunk, _encoding, written) {
      resolve(chunk);
      written();
    },
  });
  const socket = tls.connect({ socket: wire, ...options }).on('error', () => {});
  const hello = await promise;
  socket.destroy();
  return hello;
};

test('a ClientHello says its server’s name, in one piece or byte by byte', () => {
  const hello = buildClientHello();
  assert.deepEqual(read(hello), done);
  assert.deepEqual(read(...bytewise(hello)), done);
  assert.deepEqual(read(Buffer.alloc(0), hello), done);
});

test('the ClientHellos of node:tls are read, of each version', async () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const hello = await realHello({ servername: 'github.com', minVersion: version, maxVersion: version });
    assert.deepEqual(read(hello), done, version);
    assert.deepEqual(read(...bytewise(hello)), done, version);
  }
  const many = await realHello({ servername: 'github.com', ALPNProtocols: ['h2', 'http/1.1'] });
  assert.deepEqual(read(many), done);
  assert.deepEqual(read(await realHello({})), refused('The TLS ClientHello names no server.'));
});

test('a ClientHello may be cut into records anywhere', () => {
  const whole = buildClientHello();
  for (let cut = 1; cut < whole.length - 6; cut += 1) {
    const hello = buildClientHello({ serverNames: ['github.com'], recordBytes: [cut] });
    assert.deepEqual(read(hello), done, `after ${cut} bytes`);
    assert.deepEqual(read(hello.subarray(0, cut + 7), hello.subarray(cut + 7)), done, `after ${cut} bytes`);
  }
  const single = buildClientHello({ serverNames: ['github.com'], recordBytes: new Array(100).fill(1) });
  assert.deepEqual(read(...bytewise(single)), done);
});

test('what follows in later records is left alone', () => {
  const more = Buffer.from([20, 3, 3, 0, 1, 1]);
  assert.deepEqual(read(Buffer.concat([buildClientHello(), more])), done);
});

test('until its last byte is there nothing is decided, and no cut is taken for the whole', () => {
  const hello = buildClientHello();
  for (let length = 0; length < hello.length; length += 1) {
    assert.deepEqual(read(hello.subarray(0, length)), { state: 'more' }, `${length} bytes`);
  }
});

test('another protocol is told from its first bytes', () => {
  const notTls = refused('The first bytes are not TLS.');
  for (const text of [
    'G',
    'GET / HTTP/1.1\r\n',
    'SSH-2.0-x',
    '\x80\x2e\x01\x03\x01',
    '\x16\x02',
    '\x15\x03',
    '\0',
  ]) {
    assert.deepEqual(read(Buffer.from(text, 'latin1')), notTls, JSON.stringify(text));
  }
  assert.deepEqual(read(buildClientHello({ messageType: 2 })), notAClientHello);
  assert.deepEqual(read(Buffer.from([22, 3, 1, 0, 0])), notAClientHello);
  assert.deepEqual(read(Buffer.from([22, 3, 1, 64, 1])), notAClientHello);
});

test('a record of another kind between two parts of it is refused', () => {
  const hello = buildClientHello({ serverNames: ['github.com'], recordBytes: [20] });
  const alert = Buffer.from([21, 3, 1, 0, 2, 1, 0]);
  const broken = Buffer.concat([hello.subarray(0, 25), alert, hello.subarray(25)]);
  assert.deepEqual(read(broken), refused('The first bytes are not TLS.'));
});

test('one host name in clear is asked for, not none, two, another kind or a hidden one', () => {
  const notOne = refused('The TLS ClientHello does not name exactly one server.');
  const hidden = refused('The TLS ClientHello hides its server name (Encrypted Client Hello).');
  const github = Buffer.from('github.com');
  assert.deepEqual(read(buildClientHello({})), refused('The TLS ClientHello names no server.'));
  assert.deepEqual(read(buildClientHello({ serverNames: ['github.com', 'evil.example'] })), notOne);
  assert.deepEqual(read(buildClientHello({ serverNames: [{ type: 1, name: github }] })), notOne);
  assert.deepEqual(read(buildClientHello({ serverNames: [''] })), notOne);
  assert.deepEqual(read(buildClientHello({ serverNames: ['github.com\0.evil.example'] })), notOne);
  for (const type of [0xfe0d, 0xffce, 0xfd00]) {
    const extensions = [{ type, data: Buffer.alloc(200) }];
    assert.deepEqual(read(buildClientHello({ serverNames: ['github.com'], extensions })), hidden);
    assert.deepEqual(read(buildClientHello({ extensions })), hidden);
  }
  const second = [serverNameExtension(['evil.example'])];
  assert.deepEqual(
    read(buildClientHello({ serverNames: ['github.com'], extensions: second })),
    notAClientHello,
  );
});

test('a length that does not fit its place is refused, each of them', () => {
  const hello = buildClientHello();
  const wellFormed = [];
  // The bytes of the random and of the session, the cipher suites and the name itself may be anything.
  const free = new Set([
    ...range(1, 3),
    ...range(9, 43),
    ...range(44, 76),
    ...range(78, 82),
    ...range(83, 84),
  ]);
  for (let at = 0; at < hello.length - 10; at += 1) {
    if (free.has(at)) continue;
    const bent = Buffer.from(hello);
    bent[at] = (bent[at] ?? 0) ^ 0x81;
    const state = read(bent);
    if (state.state === 'done') wellFormed.push(at);
  }
  assert.deepEqual(wellFormed, []);
});

test('a message behind it, or a ClientHello that ends before its record, is refused', () => {
  const trailing = buildClientHello({ serverNames: ['github.com'], trailing: Buffer.from([1]) });
  assert.deepEqual(read(trailing), notAClientHello);
  assert.deepEqual(read(...bytewise(trailing)), notAClientHello);
});

test('bytes behind a list, a name or the extensions are refused', () => {
  const { data } = serverNameExtension(['github.com']);
  const behindList = [{ type: 0, data: Buffer.concat([data, Buffer.from([0])]) }];
  assert.deepEqual(
    read(buildClientHello({ extensions: behindList })),
    refused('The TLS ClientHello does not name exactly one server.'),
  );
  const behindExtensions = Buffer.from([0]);
  assert.deepEqual(
    read(buildClientHello({ serverNames: ['github.com'], behindExtensions })),
    notAClientHello,
  );
});

test('a ClientHello without end is refused after a bounded number of bytes', () => {
  const tooLong = refused('The TLS ClientHello is too long.');
  const big = [{ type: 21, data: Buffer.alloc(helloBytesMax) }];
  assert.deepEqual(
    read(buildClientHello({ serverNames: ['github.com'], extensions: big, recordBytes: [16_000] })),
    tooLong,
  );
  // Headers count, too: one byte to a record makes six of each.
  const most = [{ type: 21, data: Buffer.alloc(12_000) }];
  const single = buildClientHello({
    serverNames: ['github.com'],
    extensions: most,
    recordBytes: new Array(3500).fill(1),
  });
  assert.deepEqual(read(...bytewise(single)), tooLong);
  const fits = buildClientHello({ serverNames: ['github.com'], extensions: most });
  assert.deepEqual(read(fits), done);
});

test('random bytes behind a sound beginning never throw and never pass', () => {
  let random = 12_345;
  const next = () => {
    random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
    return random >> 16;
  };
  for (let round = 0; round < 3000; round += 1) {
    const body = Buffer.from(Array.from({ length: next() % 200 }, () => next() & 255));
    const message = Buffer.concat([Buffer.from([1]), sized(3, body)]);
    const state = read(Buffer.concat([Buffer.from([22, 3, 1]), sized(2, message)]));
    assert.equal(state.state, 'refused');
  }
});

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);
