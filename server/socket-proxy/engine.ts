import http, { type IncomingMessage } from 'node:http';
import net from 'node:net';
import { Refusal } from './refusal.ts';

export type EngineRequest = { method: string; path: string; body?: string | undefined };

/** `answered` when the engine did not give the connection away: there is no such exec, its container stopped, … */
type Upgrade =
  | { kind: 'upgraded'; contentType: string; socket: net.Socket }
  | { kind: 'answered'; response: IncomingMessage };

/** The Docker engine's own socket. Every request is written anew, on a connection of its own. */
export type Engine = {
  request(request: EngineRequest, signal: AbortSignal): Promise<IncomingMessage>;
  /** The signal counts until the engine has answered; after that the socket is the caller's. */
  upgrade(request: EngineRequest, signal: AbortSignal): Promise<Upgrade>;
};

export const connectEngine = (socketPath: string): Engine => {
  const open = (
    { method, path, body }: EngineRequest,
    headers: http.OutgoingHttpHeaders,
    signal: AbortSignal,
  ) => {
    const request = http.request({
      // A half-closed exec still has output to give: Node’s own connections would end with the first half.
      createConnection: () => net.connect({ path: socketPath, allowHalfOpen: true }),
      method,
      path,
      headers: {
        Host: 'docker',
        ...headers,
        ...(body === undefined
          ? {}
          : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
      },
      signal,
    });
    request.end(body);
    return request;
  };

  const failed = (cause: unknown) => new Refusal(502, 'The Docker engine does not answer.', cause);

  return {
    request: (asked, signal) =>
      new Promise((resolve, reject) => {
        open(asked, { Connection: 'close' }, signal)
          .once('response', resolve)
          .on('error', (cause) => reject(failed(cause)));
      }),
    upgrade: (asked, signal) =>
      new Promise((resolve, reject) => {
        open(asked, { Connection: 'Upgrade', Upgrade: 'tcp' }, signal)
          .once('upgrade', (response, socket, head) => {
            socket.unshift(head);
            const contentType = response.headers['content-type'] ?? 'application/vnd.docker.raw-stream';
            resolve({ kind: 'upgraded', contentType, socket });
          })
          .once('response', (response) => resolve({ kind: 'answered', response }))
          .on('error', (cause) => reject(failed(cause)));
      }),
  };
};
