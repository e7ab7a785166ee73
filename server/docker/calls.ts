import http2, { type ClientHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { z } from 'zod';
import { AppError } from '../domain/errors.ts';
import { gatherBytes } from '../domain/gathered-bytes.ts';
import { type KeepAlive, openCallsSession } from './calls-session.ts';

/** The *calls* half of the channel: the server asks, the toolbox answers. Every answer is hostile and capped. */
export type Calls = {
  /** JSON in, JSON out, checked by the schema. */
  ask<T>(
    path: string,
    request: object,
    schema: z.ZodType<T>,
    signal: AbortSignal,
    answerBytesMax?: number,
  ): Promise<T>;
  /** JSON in, and a body behind it if there is one; a stream of lines of JSON out, each checked by the schema. */
  lines<T>(
    path: string,
    request: object,
    schema: z.ZodType<T>,
    signal: AbortSignal,
    options?: { timeoutMs?: number; lineBytesMax?: number; body?: AsyncIterable<Uint8Array> | undefined },
  ): AsyncIterable<T>;
  /** JSON in, bytes out. */
  bytes(path: string, request: object, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Bytes in; resolves when the toolbox has taken them all. */
  send(path: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  close(): void;
  /** Aborts when the session is gone, for whichever reason. */
  lost: AbortSignal;
};

/** A toolbox that does not keep to what was agreed is not ours any more, and neither is its sandbox. */
export const brokenToolbox = (message: string, cause?: unknown) =>
  new AppError('sandbox_lost', message, { cause });

/**
 * What is parsed as one piece is no longer than what was asked for can be: 16 MB of brackets take the parser two
 * seconds and a gigabyte.
 */
const jsonBytesMax = 64 << 10;
/** Far more than an honest toolbox needs for one file, and for a whole workspace. */
const answerMs = 60_000;
const streamMs = 600_000;

export const openCalls = (duplex: Duplex, keepAlive?: KeepAlive): Calls => {
  const { open, close, lost } = openCallsSession(duplex, keepAlive);

  /**
   * Sends the request with its body, and yields the answer's chunks as they come. Throws when the answer is not 200,
   * breaks off, or takes too long.
   */
  async function* call(
    path: string,
    send: (stream: ClientHttp2Stream) => void,
    signal: AbortSignal,
    timeoutMs: number,
  ): AsyncGenerator<Buffer> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const stream = open(path, AbortSignal.any([signal, timeout]));
    try {
      // Listened for before anything is sent: what came before somebody listens would be waited for without end.
      const answered = statusOf(stream);
      send(stream);
      const status = await answered;
      if (status !== 200)
        throw brokenToolbox(`The toolbox answered ${status} to ${path}: ${await firstText(stream)}`);
      for await (const chunk of stream) yield chunk as Buffer;
      if (stream.rstCode !== http2.constants.NGHTTP2_NO_ERROR) throw brokenOff(stream.rstCode);
    } catch (error) {
      signal.throwIfAborted();
      await untilKnown();
      lost.throwIfAborted();
      if (timeout.aborted)
        throw brokenToolbox(`The toolbox did not answer ${path} within ${timeoutMs / 1000} s.`);
      throw error instanceof AppError ? error : brokenOff(error);
    } finally {
      stream.close(http2.constants.NGHTTP2_CANCEL);
    }
  }

  /** For an answer in pieces: it is whole only if the trailer behind it says so. */
  async function* wholeAnswer(
    path: string,
    request: object,
    signal: AbortSignal,
    { timeoutMs = streamMs, body }: { timeoutMs?: number; body?: AsyncIterable<Uint8Array> | undefined } = {},
  ): AsyncGenerator<Buffer> {
    let end = '';
    let sent = Promise.resolve();
    const send = (stream: ClientHttp2Stream) => {
      stream.once('trailers', (trailers) => {
        end = String(trailers['backspace-end'] ?? '');
      });
      if (body === undefined) stream.end(JSON.stringify(request));
      else {
        stream.write(`${JSON.stringify(request)}\n`);
        sent = sendBody(stream, body);
        sent.catch(() => {});
      }
    };
    try {
      yield* call(path, send, signal, timeoutMs);
    } catch (error) {
      // When the body failed, it has closed the stream, and what it threw says more than the answer.
      await sent;
      throw error;
    }
    if (end === 'whole') return;
    await untilKnown();
    lost.throwIfAborted();
    throw brokenToolbox(`The toolbox broke its answer to ${path} off: ${readable(end)}`);
  }

  return {
    lost,
    close,
    async ask(path, request, schema, signal, answerBytesMax = jsonBytesMax) {
      const answer = gatherBytes();
      const send = (stream: ClientHttp2Stream) => stream.end(JSON.stringify(request));
      for await (const chunk of call(path, send, signal, answerMs)) {
        answer.add(chunk);
        if (answer.length > answerBytesMax)
          throw brokenToolbox(`The toolbox’s answer to ${path} is too large.`);
      }
      return parse(answer.take(), schema, path);
    },
    async *lines(path, request, schema, signal, options) {
      const line = gatherBytes();
      const lineBytesMax = options?.lineBytesMax ?? jsonBytesMax;
      for await (const chunk of wholeAnswer(path, request, signal, options)) {
        let from = 0;
        for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
          line.add(chunk.subarray(from, end));
          yield parse(line.take(), schema, path);
          from = end + 1;
        }
        if (from < chunk.length) line.add(chunk.subarray(from));
        if (line.length > lineBytesMax)
          throw brokenToolbox(`A line of the toolbox’s answer to ${path} is too long.`);
      }
      if (line.length > 0)
        throw brokenToolbox(`The toolbox’s answer to ${path} ends in the middle of a line.`);
    },
    bytes: wholeAnswer,
    async send(path, body, signal) {
      let sent = Promise.resolve();
      const send = (stream: ClientHttp2Stream) => {
        sent = sendBody(stream, body);
        // Looked at below: until then a body that fails must not count as unhandled.
        sent.catch(() => {});
      };
      // When the body fails, its stream is closed, and what the body threw says more than the answer.
      const answered = drain(call(path, send, signal, streamMs), path);
      await answered.catch(async (error: unknown) => {
        await sent;
        throw error;
      });
      await sent;
    },
  };
};

/** A session that broke makes its streams end a moment before it says so itself. */
const untilKnown = (): Promise<void> => new Promise(setImmediate);

const statusOf = (stream: ClientHttp2Stream): Promise<number> => {
  const status = new Promise<number>((resolve, reject) => {
    const closed = () => reject(brokenOff(stream.rstCode));
    stream.once('response', (headers) => {
      stream.off('close', closed);
      resolve(headers[':status'] ?? 0);
    });
    stream.once('close', closed);
  });
  status.catch(() => {});
  return status;
};

const sendBody = async (stream: ClientHttp2Stream, body: AsyncIterable<Uint8Array>): Promise<void> => {
  try {
    for await (const chunk of body) {
      if (stream.destroyed || stream.closed) return;
      if (!stream.write(chunk)) await writable(stream);
    }
    stream.end();
  } catch (error) {
    stream.close(http2.constants.NGHTTP2_CANCEL);
    throw error;
  }
};

const parse = <T>(bytes: Uint8Array, schema: z.ZodType<T>, path: string): T => {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  } catch (cause) {
    throw brokenToolbox(`The toolbox’s answer to ${path} is not JSON.`, cause);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    throw brokenToolbox(`The toolbox’s answer to ${path} has not the agreed form.`, parsed.error);
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

/** The reason that the toolbox gave, percent-encoded as a header must be. */
const readable = (end: string): string => {
  try {
    return decodeURI(end.replace(/^broken /, '')) || 'it does not say why.';
  } catch {
    return end;
  }
};

/** For an answer that says all by its status. */
const drain = async (chunks: AsyncIterable<Uint8Array>, path: string): Promise<void> => {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > jsonBytesMax) throw brokenToolbox(`The toolbox’s answer to ${path} is too large.`);
  }
};

const writable = (stream: ClientHttp2Stream): Promise<void> =>
  new Promise((resolve) => {
    const settle = () => {
      stream.off('drain', settle).off('close', settle);
      resolve();
    };
    stream.once('drain', settle).once('close', settle);
  });

const brokenOff = (cause: unknown): AppError =>
  brokenToolbox(
    `The toolbox broke its answer off (${cause instanceof Error ? cause.message : cause}).`,
    cause,
  );
