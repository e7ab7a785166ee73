import http2, { type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { WayOut, WayOutResponse } from '../domain/sandbox.ts';
import { guardFrames } from './frame-guard.ts';

/** Where programs inside a sandbox reach the way out: the toolbox listens there. */
export const wayOutUrl = 'http://127.0.0.1:3128';

/**
 * The *way out* half of the channel: the sandbox asks, the server decides. What comes in is hostile: streams, header
 * sizes and session memory are capped, and nothing that goes wrong here reaches farther than this sandbox.
 */
export type WayOutSession = {
  /** Resolves when the toolbox listens inside the sandbox; rejects when the session ends before. */
  listening: Promise<void>;
  /** Cuts what was let out until now. */
  open(wayOut: WayOut): void;
  close(): void;
};

/** What programs inside say upwards is short; the preface is that of every HTTP/2 client. */
const frameLimits = { smallFramesPerSecond: 2000, prefaceBytes: 24 };

export const serveWayOut = (duplex: Duplex): WayOutSession => {
  const session = handshake(guardFrames(duplex, frameLimits));
  let decide: WayOut = async () => refuse(403, 'Nothing may leave this sandbox yet.');
  const letOut = new Set<ServerHttp2Stream>();
  const listening = Promise.withResolvers<void>();
  listening.promise.catch(() => {});
  const close = () => {
    session.destroy();
    duplex.destroy();
  };
  session.on('error', () => {});
  // The toolbox says good-bye only when it ends.
  session.once('goaway', close);
  session.once('close', () => listening.reject(new Error('The way out of the sandbox closed.')));
  duplex.once('close', () => session.destroy());

  session.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers[':path'] === '/.backspace/listening') {
      listening.resolve();
      // It may have been reset meanwhile; to answer then would throw.
      if (!stream.closed && !stream.destroyed) stream.respond({ ':status': 200 }, { endStream: true });
      return;
    }
    letOut.add(stream);
    stream.once('close', () => letOut.delete(stream));
    answer(stream, headers, decide).catch(() => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
  });

  return {
    listening: listening.promise,
    open(wayOut) {
      decide = wayOut;
      for (const stream of letOut) stream.close(http2.constants.NGHTTP2_CANCEL);
    },
    close,
  };
};

const handshake = (duplex: Duplex): ServerHttp2Session => {
  const session = http2.performServerHandshake(duplex, {
    maxSessionMemory: 32,
    maxHeaderListPairs: 64,
    settings: { initialWindowSize: 64 << 10, maxConcurrentStreams: 64, maxHeaderListSize: 16_384 },
  });
  session.setLocalWindowSize(16 << 20);
  return session;
};

const answer = async (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  decide: WayOut,
): Promise<void> => {
  const path = pathOf(headers);
  if (path === undefined) return send(stream, refuse(400, 'The target cannot be read.'));
  const given = new AbortController();
  stream.once('close', () => given.abort(new Error('The sandbox gave the request up.')));
  // Nobody reads what is sent with these, and unread it would be kept.
  if (headers[':method'] === 'GET' || headers[':method'] === 'HEAD') stream.resume();
  const response = await decide({
    method: String(headers[':method']),
    path,
    headers: plainHeaders(headers),
    body: stream,
    signal: given.signal,
  });
  await send(stream, response);
};

const send = async (stream: ServerHttp2Stream, { status, headers, body }: WayOutResponse): Promise<void> => {
  if (stream.closed || stream.destroyed) return;
  // Nobody reads what goes on arriving after a refusal, and unread it would hold the stream open.
  if (status !== 200) stream.resume();
  stream.respond({ ':status': status, ...headers });
  await pipeline(body, stream).catch(() => {});
};

/**
 * A target that HTTP/2 has no path for, of a CONNECT or with a whole URL, travels percent-encoded in a header of the
 * toolbox's, as it was sent; undefined when the header cannot be read.
 */
const pathOf = (headers: IncomingHttpHeaders): string | undefined => {
  const target = headers[targetHeader];
  if (target === undefined) return String(headers[':path']);
  try {
    return decodeURIComponent(String(target));
  } catch {
    return undefined;
  }
};

const targetHeader = 'x-backspace-target';

const plainHeaders = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith(':') || name === targetHeader || value === undefined ? [] : [[name, String(value)]],
    ),
  );

const refuse = (status: number, message: string): WayOutResponse => ({
  status,
  headers: { 'content-type': 'text/plain' },
  body: (async function* () {
    yield Buffer.from(`${message}\n`);
  })(),
});
