import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import type Koa from 'koa';

export type ServerLimits = {
  /** Until the headers are there. */
  headersTimeoutMs: number;
  /** Until the whole request, its body included, is there; how long the answer takes is not limited. */
  requestTimeoutMs: number;
  /** How long an idle connection is kept for a next request. */
  keepAliveTimeoutMs: number;
  headerBytesMax: number;
  /** Streams stay open for as long as jobs run: further connections are closed at once. */
  connectionsMax: number;
};

/** The server for the app, not yet listening. */
export const createServer = (app: Koa, limits: ServerLimits): Server => {
  const server = createHttpServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      maxHeaderSize: limits.headerBytesMax,
      // Node looks for slow requests only so often, every 30 s by default, which would make the limits above lies.
      connectionsCheckingInterval: Math.ceil(Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs) / 4),
    },
    app.callback(),
  );
  server.maxConnections = limits.connectionsMax;
  return server;
};

/** Rejects with the system's error, say EADDRINUSE. */
export const listen = async (server: Server, port: number, host: string): Promise<void> => {
  server.listen(port, host);
  await once(server, 'listening');
};

/** Takes no more connections, lets the open answers come to their end, and cuts what has not after `timeoutMs`. */
export const closeServer = async (server: Server, timeoutMs: number): Promise<void> => {
  const closed = once(server, 'close');
  server.close();
  // Whoever keeps a connection for its next request would be waited for.
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  const cut = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
};
