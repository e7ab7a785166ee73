import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBench, exchange, limits, openTunnel } from '../../../support/egress-bench.ts';
import {
  github,
  hasRoomFor,
  hello,
  startUpstream,
  takeAll,
  told,
  until,
} from '../../../support/egress-upstream.ts';

/** So patient that a test does not pass only because the connection was idle. */
const patient = { ...limits, idleMs: 60_000 };

test('a client may end its half and still hear the answer', async () => {
  await using upstream = await startUpstream(async (socket) => {
    const received = Buffer.concat(await Array.fromAsync(socket.iterator({ destroyOnReturn: false })));
    socket.end(`got ${received.length}`);
  });
  const bench = createBench({ dial: upstream.dial });
  const { client } = await openTunnel(bench.egress, github);
  client.write(hello);
  client.end(Buffer.alloc(1000));
  assert.equal((await told(client)).toString(), `got ${hello.length + 1000}`);
  await until(() => upstream.open() === 0, 'the end of the connection');
});

test('a host may end its half and still hear the client', async () => {
  const received = Promise.withResolvers<number>();
  await using upstream = await startUpstream(async (socket) => {
    socket.end('bye');
    const all = Buffer.concat(await Array.fromAsync(socket.iterator({ destroyOnReturn: false })));
    received.resolve(all.length);
  });
  const bench = createBench({ dial: upstream.dial });
  const outgoing = new PassThrough();
  const { signal } = new AbortController();
  const { body } = await bench.egress.connect({ authority: github, body: outgoing, signal });
  outgoing.write(hello);
  assert.equal(Buffer.concat(await Array.fromAsync(body)).toString(), 'bye');
  outgoing.end(Buffer.alloc(1000));
  assert.equal(await received.promise, hello.length + 1000);
  await until(() => upstream.open() === 0, 'the end of the connection');
});

test('a host that breaks off breaks the client’s connection, too', async () => {
  await using upstream = await startUpstream((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const bench = createBench({ dial: upstream.dial, limits: { ...limits, connectionsMax: 1 } });
  await assert.rejects(exchange(bench.egress, github, hello));
  assert.deepEqual([await hasRoomFor(bench, 1), bench.denied], [true, []]);
});

test('a client that breaks off ends the connection to the host, before and after it is dialled', async () => {
  await using upstream = await startUpstream(takeAll);
  const bench = createBench({ dial: upstream.dial, limits: { ...patient, connectionsMax: 1 } });
  const { client, leave } = await openTunnel(bench.egress, github);
  client.write(hello);
  await until(() => upstream.open() === 1, 'the connection');
  leave();
  await until(() => upstream.open() === 0, 'the end of the connection');

  const given = new AbortController();
  given.abort();
  await bench.egress.connect({ authority: github, body: new PassThrough(), signal: given.signal });
  assert.ok(await hasRoomFor(bench, 1));
});

test('a client that is gone is noticed although its body stays silent', async () => {
  await using upstream = await startUpstream(takeAll);
  const bench = createBench({ dial: upstream.dial, limits: patient });
  const body = new PassThrough();
  const given = new AbortController();
  const response = await bench.egress.connect({ authority: github, body, signal: given.signal });
  const ended = Array.fromAsync(response.body).catch(() => []);
  body.write(hello);
  await until(() => upstream.open() === 1, 'the connection');
  given.abort();
  assert.deepEqual(await ended, []);
  await until(() => upstream.open() === 0, 'the end of the connection');
});

test('a client that is gone before its tunnel is read, or whose body breaks, is not dialled for', async () => {
  const bench = createBench();
  const given = new AbortController();
  const body = new PassThrough();
  const response = await bench.egress.connect({ authority: github, body, signal: given.signal });
  given.abort();
  assert.deepEqual(await Array.fromAsync(response.body), []);

  const broken = new PassThrough();
  const { signal } = new AbortController();
  const tunnel = await bench.egress.connect({ authority: github, body: broken, signal });
  broken.destroy(new Error('reset'));
  assert.deepEqual(await Array.fromAsync(tunnel.body), []);
  assert.deepEqual([bench.dialled, bench.denied], [[], []]);
});

test('who stops reading the answer ends the connection to the host', async () => {
  await using upstream = await startUpstream((socket) => {
    takeAll(socket);
    socket.write('hello');
  });
  const bench = createBench({ dial: upstream.dial, limits: patient });
  const body = new PassThrough();
  const { signal } = new AbortController();
  const response = await bench.egress.connect({ authority: github, body, signal });
  body.write(hello);
  for await (const piece of response.body) {
    assert.equal(Buffer.from(piece).toString(), 'hello');
    break;
  }
  await until(() => upstream.open() === 0, 'the end of the connection');
});

test('a host that ends its half and then breaks off does not end the server', async () => {
  await using upstream = await startUpstream((socket) => {
    socket.end('bye');
    socket.on('data', (piece) => piece.toString().endsWith('more') && socket.resetAndDestroy());
  });
  const bench = createBench({ dial: upstream.dial, limits: patient });
  const body = new PassThrough();
  const { signal } = new AbortController();
  const response = await bench.egress.connect({ authority: github, body, signal });
  body.write(hello);
  assert.equal(Buffer.concat(await Array.fromAsync(response.body)).toString(), 'bye');
  body.write('more');
  await until(() => upstream.open() === 0, 'the end of the connection');
  body.end('nobody hears this');
  await once(body, 'close');
});

test('a tunnel in which nothing moves is closed, one in which something does is not', async () => {
  await using upstream = await startUpstream(takeAll);
  const bench = createBench({ dial: upstream.dial, limits: { ...limits, idleMs: 80 } });
  const { client } = await openTunnel(bench.egress, github);
  client.write(hello);
  for (let beat = 0; beat < 8; beat += 1) {
    await sleep(30);
    client.write('beat');
  }
  assert.equal(client.destroyed, false);
  await assert.rejects(told(client));
  await until(() => upstream.open() === 0, 'the end of the connection');
  assert.deepEqual(bench.denied, []);
});

test('a host is read no faster than its client reads', async () => {
  let written = 0;
  await using upstream = await startUpstream((socket) => {
    const more = () => {
      while (written < 64 << 20 && socket.write(Buffer.alloc(65_536))) written += 65_536;
    };
    socket.on('drain', more);
    more();
  });
  const bench = createBench({
    dial: upstream.dial,
    limits: { ...limits, bytesDownMax: 1 << 30, idleMs: 400 },
  });
  const outgoing = new PassThrough();
  const given = new AbortController();
  const { body } = await bench.egress.connect({ authority: github, body: outgoing, signal: given.signal });
  outgoing.write(hello);
  const reader = body[Symbol.asyncIterator]();
  await reader.next();
  await sleep(100);
  assert.ok(written < 32 << 20, `${written} bytes were taken from the host`);
  await until(() => upstream.open() === 0, 'the end of the stalled connection');
  await assert.rejects(async () => {
    for (let next = await reader.next(); !next.done; next = await reader.next());
  });
  given.abort();
});

test('a client is read no faster than its host reads', async () => {
  await using upstream = await startUpstream((socket) => socket.pause());
  const bench = createBench({ dial: upstream.dial, limits: { ...limits, bytesUpMax: 1 << 30 } });
  let taken = 0;
  const body = (async function* () {
    yield hello;
    for (; taken < 64 << 20; taken += 65_536) yield Buffer.alloc(65_536);
  })();
  const given = new AbortController();
  const response = await bench.egress.connect({ authority: github, body, signal: given.signal });
  const ended = Array.fromAsync(response.body).catch(() => []);
  await sleep(150);
  assert.ok(taken > 65_536 && taken < 32 << 20, `${taken} bytes were taken from the client`);
  given.abort();
  await ended;
});

test('an upstream that is gone before anybody listens does not end the server', async () => {
  const dial = async () => {
    const socket = new net.Socket();
    socket.destroy(new Error('late'));
    return socket;
  };
  const bench = createBench({ dial, limits: { ...limits, connectionsMax: 1 } });
  await assert.rejects(exchange(bench.egress, github, hello));
  assert.ok(await hasRoomFor(bench, 1));
});
