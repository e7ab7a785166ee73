import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { BodyCheck } from './check-shape.ts';
import { Refusal } from './refusal.ts';

export const bodyBytesMax = 64 << 10;

/** The length that the header tells. Transfer-Encoding was refused before, so there is no other way to tell it. */
export const declaredBytes = (request: IncomingMessage): number => {
  const bytes = Number(request.headers['content-length'] ?? 0);
  if (bytes > bodyBytesMax) throw new Refusal(413, `A body may have ${bodyBytesMax} bytes at most.`);
  return bytes;
};

/** The body to forward, or undefined for a request that has none. */
export const checkBody = (
  request: IncomingMessage,
  bytes: Buffer,
  check: BodyCheck | undefined,
): string | undefined => {
  if (check === undefined) {
    if (bytes.length > 0) throw new Refusal(403, 'This request has no body.');
    return undefined;
  }
  if (request.headers['content-type'] !== 'application/json') {
    throw new Refusal(403, 'The body’s Content-Type must be application/json.');
  }
  return JSON.stringify(check(parseJson(bytes)));
};

const parseJson = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Refusal(400, 'The body is not JSON.', cause);
  }
};

export const readAll = async (stream: Readable, bytesMax: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += (chunk as Buffer).length;
    if (bytes > bytesMax) throw new Refusal(413, `More than ${bytesMax} bytes came.`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
};

/**
 * The body of a request that asks for an upgrade: Node 24 leaves it on the socket, before what is for the new
 * protocol. What came beyond it is put back.
 */
export const readExactly = async (socket: Duplex, bytes: number, signal: AbortSignal): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let received = 0;
  while (received < bytes) {
    // All that is there, and not the bytes that are needed: as long as some are left, «readable» fires without end.
    const chunk = socket.read() as Buffer | null;
    if (chunk) {
      chunks.push(chunk);
      received += chunk.length;
    } else if (socket.readableEnded || socket.destroyed) throw new Refusal(400, 'The body breaks off.');
    else await more(socket, signal);
  }
  const all = Buffer.concat(chunks);
  if (received > bytes) socket.unshift(all.subarray(bytes));
  return all.subarray(0, bytes);
};

/** Resolves when there is something new to know about the stream. */
const more = (stream: Duplex, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const settle = () => {
      stream.off('readable', settle).off('end', settle).off('close', settle);
      signal.removeEventListener('abort', settle);
      if (signal.aborted) reject(new Refusal(400, 'The body did not come in time.'));
      else resolve();
    };
    stream.once('readable', settle).once('end', settle).once('close', settle);
    signal.addEventListener('abort', settle);
  });
