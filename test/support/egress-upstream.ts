import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EgressBench, openTunnel, type Tunnel } from './egress-bench.ts';
import { buildClientHello } from './tls-client-hello.ts';
import { dialLoopback } from './tls-server.ts';

export const github = 'github.com:443';
export const hello = buildClientHello();

/** A plain TCP server in the place of a host: after the ClientHello nobody looks at the bytes any more. */
export const startUpstream = async (onConnection: (socket: net.Socket) => void) => {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    dial: () => dialLoopback(port),
    open: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

/** Takes everything and ends when the other side does. */
export const takeAll = (socket: net.Socket): void => void socket.resume().once('end', () => socket.end());

export const told = async (client: Duplex): Promise<Buffer> => Buffer.concat(await Array.fromAsync(client));

export const until = async (isSo: () => boolean, what: string): Promise<void> => {
  for (let waited = 0; !isSo(); waited += 5) {
    assert.ok(waited < 5000, `${what} did not come about`);
    await sleep(5);
  }
};

/** Of a tunnel to GitHub. */
export const denial = (reason: string, howToAllow: string) => ({
  host: 'github.com',
  port: 443,
  reason,
  howToAllow,
});

/** Whether a tunnel can still be opened: all connections that were counted have been given back. */
export const hasRoomFor = async ({ egress }: EgressBench, tunnels: number): Promise<boolean> => {
  const opened: Tunnel[] = [];
  for (let count = 0; count < tunnels; count += 1) opened.push(await openTunnel(egress, github));
  for (const tunnel of opened) tunnel.leave();
  return opened.every(({ status }) => status === 200);
};
