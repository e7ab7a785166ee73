import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { z } from 'zod';
import { AppError } from '../domain/errors.ts';

/** The *calls* half of the channel: the server asks, the toolbox answers. Every answer is hostile and capped. */
export type Calls = {
  /** JSON in, JSON out, checked by the schema. */
  ask<T>(path: string, request: object, schema: z.ZodType<T>, signal: AbortSignal): Promise<T>;
  /** JSON in, a stream of lines of JSON out, each checked by the schema. */
  lines<T>(path: string, request: object, schema: z.ZodType<T>, signal: AbortSignal): AsyncIterable<T>;
  /** JSON in, bytes out. */
  bytes(path: string, request: object, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Bytes in; resolves when the toolbox has taken them all. */
  send(path: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  close(): void;
  /** Aborts when the session is gone, for whichever reason. */
  lost: AbortSignal;
};

const answerBytesMax = 16 << 20;
const lineBytesMax = 4 << 20;
const pingMs = 15_000;

export const openCalls = (duplex: Duplex): Calls => {
  const session = connect(duplex);
  const lost = new AbortController();
  session.on('error', () => {});
  session.once('close', () => lost.abort(sandboxLost()));
  duplex.once('close', () => session.destroy());

  // The toolbox takes a ping as the sign that its server lives.
  const pings = setInterval(() => session.ping(() => {}), pingMs);
  session.once('close', () => clearInterval(pings));

  const open = (path: string, signal: AbortSignal): ClientHttp2Stream => {
    signal.throwIfAborted();
    lost.signal.throwIfAborted();
    const stream = session.request({ ':method': 'POST', ':path': path });
    const abort = () => stream.close(http2.constants.NGHTTP2_CANCEL);
    signal.addEventListener('abort', abort);
    stream.once('close', () => signal.removeEventListener('abort', abort));
    stream.on('error', () => {});
    return stream;
  };

  /** Yields the body's chunks; throws when the answer is not 200 or the stream breaks off. */
  async function* answer(stream: ClientHttp2Stream, signal: AbortSignal): AsyncGenerator<Buffer> {
    try {
      const status = await new Promise<number>((resolve, reject) => {
        stream.once('response', (headers) => resolve(headers[':status'] ?? 0));
        stream.once('close', () => reject(brokenOff(stream)));
      });
      if (status !== 200) throw new Error(`The toolbox answered ${status}: ${await firstText(stream)}`);
      for await (const chunk of stream) yield chunk as Buffer;
      if (stream.rstCode !== http2.constants.NGHTTP2_NO_ERROR) throw brokenOff(stream);
    } catch (error) {
      signal.throwIfAborted();
      lost.signal.throwIfAborted();
      throw error;
    } finally {
      stream.close(http2.constants.NGHTTP2_CANCEL);
    }
  }

  const post = (path: string, request: object, signal: AbortSignal) => {
    const stream = open(path, signal);
    stream.end(JSON.stringify(request));
    return answer(stream, signal);
  };

  return {
    lost: lost.signal,
    close: () => session.destroy(),
    async ask(path, request, schema, signal) {
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of post(path, request, signal)) {
        length += chunk.length;
        if (length > answerBytesMax) throw new Error(`The toolbox’s answer to ${path} is too large.`);
        chunks.push(chunk);
      }
      return parse(Buffer.concat(chunks), schema, path);
    },
    async *lines(path, request, schema, signal) {
      let pending: Buffer[] = [];
      let pendingBytes = 0;
      for await (const chunk of post(path, request, signal)) {
        let from = 0;
        for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
          yield parse(Buffer.concat([...pending, chunk.subarray(from, end)]), schema, path);
          [pending, pendingBytes, from] = [[], 0, end + 1];
        }
        pending.push(chunk.subarray(from));
        pendingBytes += chunk.length - from;
        if (pendingBytes > lineBytesMax)
          throw new Error(`A line of the toolbox’s answer to ${path} is too long.`);
      }
      if (pendingBytes > 0) throw new Error(`The toolbox’s answer to ${path} ends in the middle of a line.`);
    },
    bytes: post,
    async send(path, body, signal) {
      const stream = open(path, signal);
      const done = drain(answer(stream, signal));
      // Looked at only after the body: until then a failed write must not count as unhandled.
      done.catch(() => {});
      for await (const chunk of body) {
        if (stream.destroyed || stream.closed) break;
        if (!stream.write(chunk)) await writable(stream);
      }
      stream.end();
      await done;
    },
  };
};

const connect = (duplex: Duplex): ClientHttp2Session => {
  const session = http2.connect('http://toolbox', {
    createConnection: () => duplex,
    maxSessionMemory: 32,
    maxHeaderListPairs: 32,
    maxReservedRemoteStreams: 0,
    settings: { initialWindowSize: 1 << 20, enablePush: false, maxHeaderListSize: 8192 },
  });
  session.once('connect', () => session.setLocalWindowSize(16 << 20));
  return session;
};

const parse = <T>(bytes: Buffer, schema: z.ZodType<T>, path: string): T => {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new Error(`The toolbox’s answer to ${path} is not JSON.`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    throw new Error(`The toolbox’s answer to ${path} has not the agreed form.`, { cause: parsed.error });
  return parsed.data;
};

const firstText = async (stream: ClientHttp2Stream): Promise<string> => {
  const textBytesMax = 2000;
  let text = '';
  for await (const chunk of stream) {
    text += (chunk as Buffer).toString('utf8');
    if (text.length > textBytesMax) break;
  }
  return text.slice(0, textBytesMax);
};

const drain = async (chunks: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of chunks);
};

const writable = (stream: ClientHttp2Stream): Promise<void> =>
  new Promise((resolve) => {
    const settle = () => {
      stream.off('drain', settle).off('close', settle);
      resolve();
    };
    stream.once('drain', settle).once('close', settle);
  });

const brokenOff = (stream: ClientHttp2Stream): Error =>
  new Error(`The toolbox broke its answer off (${stream.rstCode}).`);

const sandboxLost = () => new AppError('sandbox_lost', 'The sandbox stopped: its channel is gone.');
