import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { systemNetwork } from '../../../../server/docker/egress/system-network.ts';

const { signal } = new AbortController();

test('an address is dialled, and the connection outlives the signal that limited it', async () => {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const within = new AbortController();
  const socket = await systemNetwork.dial('127.0.0.1', (server.address() as AddressInfo).port, within.signal);
  within.abort();
  socket.end('hello');
  assert.equal(Buffer.concat(await Array.fromAsync(socket)).toString(), 'hello');
  server.close();
  await once(server, 'close');
});

test('a host that has ended its half still hears what is sent', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const server = net.createServer({ allowHalfOpen: true }, async (socket) => {
    socket.end();
    resolve(Buffer.concat(await Array.fromAsync(socket.iterator({ destroyOnReturn: false }))).toString());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = await systemNetwork.dial('127.0.0.1', (server.address() as AddressInfo).port, signal);
  await once(socket.resume(), 'end');
  socket.end('late');
  assert.equal(await promise, 'late');
  server.close();
  await once(server, 'close');
});

test('a port where nobody listens, a name and an aborted signal reject', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  await assert.rejects(systemNetwork.dial('127.0.0.1', port, signal), { code: 'ECONNREFUSED' });
  await assert.rejects(systemNetwork.dial('localhost', port, signal), TypeError);
  await assert.rejects(systemNetwork.dial('127.1', port, signal), TypeError);
  await assert.rejects(systemNetwork.dial('127.0.0.1', port, AbortSignal.abort()), { name: 'AbortError' });
  await assert.rejects(systemNetwork.resolve('github.com', AbortSignal.abort()), { name: 'AbortError' });
});
