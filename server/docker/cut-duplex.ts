import { Duplex } from 'node:stream';

/** Gives the pieces to pass on of what came in; what it throws ends the stream. */
export type Cut = (chunk: Buffer) => Iterable<Buffer>;

/**
 * A duplex stream upon another: what is written goes down as it is, what comes up is cut, with backpressure. After a
 * chunk nothing more is read for as long as `restMs` says.
 */
export const cutDuplex = (below: Duplex, cut: Cut, restMs: () => number = () => 0): Duplex => {
  let resting: NodeJS.Timeout | undefined;
  let isEnding = false;
  const rest = (ms: number) => {
    below.pause();
    resting = setTimeout(() => {
      resting = undefined;
      below.resume();
    }, ms);
  };

  const duplex = new Duplex({
    read() {
      if (resting === undefined && !isEnding) below.resume();
    },
    write(chunk, _encoding, done) {
      below.write(chunk, done);
    },
    writev(chunks, done) {
      below.cork();
      for (const { chunk } of chunks.slice(0, -1)) below.write(chunk);
      below.write(chunks.at(-1)?.chunk, done);
      below.uncork();
    },
    final(done) {
      below.end(done);
    },
    destroy(error, done) {
      clearTimeout(resting);
      below.destroy();
      done(error);
    },
  });

  below.on('data', (chunk: Buffer) => {
    if (isEnding) return;
    try {
      for (const piece of cut(chunk)) if (!duplex.push(piece)) below.pause();
    } catch (error) {
      isEnding = true;
      below.pause();
      // Later, since HTTP/2 still handles what came before: Node 24.17 else dies of an assertion (~Http2Session).
      setImmediate(() => duplex.destroy(error as Error));
      return;
    }
    const ms = restMs();
    if (ms > 0 && !duplex.destroyed) rest(ms);
  });
  // Not passed on as an end: a session that reads one and then writes its goodbye runs into an assertion of Node's
  // (24.9, js_stream_socket), which ends the process. Without its other side the stream is of no use anyway.
  below.once('end', () => duplex.destroy());
  // Without a listener an error would end the server; the session on the stream sees that it closes.
  duplex.on('error', () => {});
  below.on('error', (error) => duplex.destroy(error));
  below.once('close', () => duplex.destroy());
  return duplex;
};
