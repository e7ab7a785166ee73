import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { closeServer } from '../../../server/http/server.ts';
import { createRunningJob, serve, succeeded } from './serve.ts';

/** Sends bytes, keeps the connection open, and gives back all that comes until the server closes it. */
const exchange = async (port: number, bytes: string): Promise<string> => {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  return text(socket);
};

test('headers that do not come to an end are cut off', async () => {
  await using server = await serve({}, { headersTimeoutMs: 100, requestTimeoutMs: 400 });
  assert.match(await exchange(server.port, 'GET /healthz HTTP/1.1\r\nHost: loc'), /^HTTP\/1\.1 408 /);
});

test('a body that does not come to an end is cut off', async () => {
  await using server = await serve({}, { headersTimeoutMs: 100, requestTimeoutMs: 200 });
  const head =
    'POST /code HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n';
  assert.match(await exchange(server.port, `${head}{`), /^HTTP\/1\.1 4\d\d /);
  assert.deepEqual(server.lines, []);
});

test('headers over the limit are refused', async () => {
  await using server = await serve({}, { headerBytesMax: 2_000 });
  const response = await fetch(`${server.url}/healthz`, { headers: { 'X-Long': 'x'.repeat(3_000) } });
  assert.equal(response.status, 431);
  await response.body?.cancel();
});

test('a stream outlives the time limits for requests', async () => {
  await using server = await serve(
    {},
    { headersTimeoutMs: 500, requestTimeoutMs: 600, keepAliveTimeoutMs: 50 },
  );
  await createRunningJob(server.store, 'a');
  const watching = fetch(`${server.url}/jobs/a/events`).then((response) => response.text());
  await new Promise((resolve) => setTimeout(resolve, 1200));
  await server.store.append('a', succeeded);
  assert.match(await watching, /"Result"/);
});

test('connections over the limit are closed at once', async () => {
  await using server = await serve({}, { connectionsMax: 1 });
  await using first = connect(server.port, '127.0.0.1');
  await once(first, 'connect');
  const second = connect(server.port, '127.0.0.1');
  await once(second.resume(), 'close');
  assert.equal(first.destroyed, false);
});

test('a server that closes lets a stream come to its end, and waits for no idle connection', async () => {
  await using server = await serve({}, { keepAliveTimeoutMs: 60_000 });
  await createRunningJob(server.store, 'a');
  const watching = fetch(`${server.url}/jobs/a/events`).then((response) => response.text());
  await fetch(`${server.url}/healthz`).then((response) => response.text());
  const started = performance.now();
  const closed = closeServer(server.server, 30_000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await server.store.append('a', succeeded);
  assert.match(await watching, /"Result"/);
  await closed;
  assert.ok(performance.now() - started < 5_000);
});

test('a server that closes cuts what has not ended in time', async () => {
  await using server = await serve();
  await createRunningJob(server.store, 'a');
  const response = await fetch(`${server.url}/jobs/a/events`);
  await closeServer(server.server, 50);
  await assert.rejects(response.text(), /terminated/);
});
