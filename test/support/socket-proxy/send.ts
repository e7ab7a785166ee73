import http from 'node:http';
import net from 'node:net';
import { text } from 'node:stream/consumers';

export type Answer = { status: number; body: string };

/** One request in plain HTTP; a body goes as JSON with its length. */
export const send = (socketPath: string, method: string, target: string, body?: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const headers =
      body === undefined
        ? {}
        : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const request = http.request({ socketPath, method, path: target, headers, agent: false });
    request.once('response', (response) => {
      text(response).then(
        (received) => resolve({ status: response.statusCode ?? 0, body: received }),
        reject,
      );
    });
    request.once('error', reject);
    request.end(body);
  });

const quietMs = 1500;

/**
 * Bytes as they are, so that what no HTTP client would send can be sent; gives back all that came in return until the
 * connection was closed, or kept quiet. Its own half stays open: what hangs up early proves nothing.
 */
export const sendRaw = (socketPath: string, bytes: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = net.connect(socketPath);
    let received = '';
    // A connection that is cut off is an answer, too.
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.setTimeout(quietMs, () => socket.destroy());
    socket.once('close', () => resolve(received));
    socket.write(Buffer.from(bytes, 'latin1'));
  });
