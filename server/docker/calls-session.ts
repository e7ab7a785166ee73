import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { AppError } from '../domain/errors.ts';
import { guardFrames } from './frame-guard.ts';

/** The HTTP/2 session of the calls, kept alive and watched. */
export type CallsSession = {
  /** A request's stream; the caller sends its body and reads its answer. Throws `sandbox_lost` when none can be. */
  open(path: string, signal: AbortSignal): ClientHttp2Stream;
  close(): void;
  /** Aborts with `sandbox_lost` when the session is gone, for whichever reason. */
  lost: AbortSignal;
};

/** How often the toolbox is asked whether it lives, and how long it may be silent. */
export type KeepAlive = { pingMs: number; silenceMs: number };

/** The silence is long enough for a sandbox whose processors are all taken by a build. */
const patient: KeepAlive = { pingMs: 15_000, silenceMs: 90_000 };

export const openCallsSession = (
  duplex: Duplex,
  { pingMs, silenceMs }: KeepAlive = patient,
): CallsSession => {
  const session = connect(guardFrames(duplex, { smallFramesPerSecond: 10_000 }));
  const lost = new AbortController();
  session.on('error', () => {});
  session.once('close', () => lost.abort(sandboxLost()));
  duplex.once('close', () => session.destroy());
  const close = () => {
    session.destroy();
    duplex.destroy();
  };

  // It says good-bye only when it ends, and what it still has to answer is lost then.
  session.once('goaway', close);

  // The toolbox takes a ping as the sign that its server lives, and the server an answer as the sign that the toolbox
  // does: one that was stopped, or that computes for ever, would else keep a job waiting until its time limit.
  let answeredAt = performance.now();
  const pings = setInterval(() => {
    if (session.destroyed) return;
    if (performance.now() - answeredAt > silenceMs) return close();
    session.ping((error) => {
      if (!error) answeredAt = performance.now();
    });
  }, pingMs);
  lost.signal.addEventListener('abort', () => clearInterval(pings), { once: true });

  return {
    lost: lost.signal,
    close,
    open: (path, signal) => {
      signal.throwIfAborted();
      lost.signal.throwIfAborted();
      // Either it is closing, or the toolbox has said that it takes no more requests.
      if (session.closed || session.destroyed) throw sandboxLost();
      const stream = session.request({ ':method': 'POST', ':path': path });
      // A close alone waits until the other side lets the stream begin, which a hostile one never does.
      const abort = () => {
        stream.close(http2.constants.NGHTTP2_CANCEL);
        stream.destroy();
      };
      signal.addEventListener('abort', abort);
      stream.once('close', () => signal.removeEventListener('abort', abort));
      stream.on('error', () => {});
      // A header block before its answer: no toolbox of ours sends any, and another one could send them without end.
      stream.once('headers', close);
      return stream;
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
  session.once('connect', () => {
    if (!session.destroyed) session.setLocalWindowSize(16 << 20);
  });
  return session;
};

const sandboxLost = () => new AppError('sandbox_lost', 'The sandbox stopped: its channel is gone.');
