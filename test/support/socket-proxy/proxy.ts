import { once } from 'node:events';
import type { Socket } from 'node:net';
import path from 'node:path';
import type { Log } from '../../../server/domain/log.ts';
import { listen } from '../../../server/socket-proxy/listen.ts';
import { createPolicy, type Policy } from '../../../server/socket-proxy/policy.ts';
import { createProxy, type ProxyLimits } from '../../../server/socket-proxy/proxy.ts';
import { bounds } from './bounds.ts';
import { type OnHijack, openRecordingEngine, type RecordingEngine } from './recording-engine.ts';

export type TestProxy = AsyncDisposable & {
  socketPath: string;
  engine: RecordingEngine;
  /** What was logged: fields and message of each line. */
  logged: Record<string, unknown>[];
};

/** The proxy on a socket of its own, in front of an engine that records. */
export const openProxy = async (
  options: { policy?: Policy; limits?: Partial<ProxyLimits>; onHijack?: OnHijack } = {},
): Promise<TestProxy> => {
  const engine = await openRecordingEngine(options.onHijack);
  const socketPath = path.join(engine.directory, 'proxy.sock');
  const logged: Record<string, unknown>[] = [];
  const write = (fields: Record<string, unknown>, message: string) =>
    void logged.push({ ...fields, message });
  const log: Log = { info: write, warn: write, error: write };
  const server = createProxy({
    engineSocket: engine.socketPath,
    policy: options.policy ?? createPolicy(bounds),
    limits: { requestTimeoutMs: 5000, engineTimeoutMs: 5000, connectionsMax: 100, ...options.limits },
    log,
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await listen(server, `unix://${socketPath}`);
  return {
    socketPath,
    engine,
    logged,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      await engine[Symbol.asyncDispose]();
    },
  };
};
