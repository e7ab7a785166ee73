import { Duplex } from 'node:stream';

/**
 * A hijacked `docker exec` as a duplex stream: what is written goes to stdin, what is read is stdout. Docker sends
 * stdout and stderr in frames, an 8-byte header (stream, 3 zero bytes, length as uint32) before each. Frames are cut
 * iteratively and passed on without copying, with backpressure (dockerode's own demuxer has neither); a header that
 * cannot be one ends the stream. Source: Docker Engine API, «Attach to a container», stream format.
 */
export const createExecDuplex = (socket: Duplex, onStderr: (chunk: Buffer) => void): Duplex => {
  const frames = createFrameCutter();

  const duplex = new Duplex({
    read() {
      socket.resume();
    },
    write(chunk, _encoding, done) {
      socket.write(chunk, done);
    },
    writev(chunks, done) {
      socket.cork();
      for (const { chunk } of chunks.slice(0, -1)) socket.write(chunk);
      socket.write(chunks.at(-1)?.chunk, done);
      socket.uncork();
    },
    final(done) {
      socket.end(done);
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });

  socket.on('data', (chunk: Buffer) => {
    try {
      for (const { stream, bytes } of frames(chunk)) {
        if (stream === 'stderr') onStderr(bytes);
        else if (!duplex.push(bytes)) socket.pause();
      }
    } catch (error) {
      duplex.destroy(error as Error);
    }
  });
  // Not passed on as an end: a session that reads one and then writes its goodbye runs into an assertion of Node's
  // (24.9, js_stream_socket), which ends the process. Without its other side the stream is of no use anyway.
  socket.once('end', () => duplex.destroy());
  // Without a listener an error would end the server; the session on the stream sees that it closes.
  duplex.on('error', () => {});
  socket.on('error', (error) => duplex.destroy(error));
  socket.once('close', () => duplex.destroy());
  return duplex;
};

type Piece = { stream: 'stdout' | 'stderr'; bytes: Buffer };

const headerBytes = 8;

const createFrameCutter = () => {
  const header = Buffer.alloc(headerBytes);
  let headerFilled = 0;
  let bodyLeft = 0;

  return function* cut(chunk: Buffer): Generator<Piece> {
    for (let at = 0; at < chunk.length; ) {
      if (bodyLeft === 0) {
        const taken = chunk.copy(header, headerFilled, at, at + headerBytes - headerFilled);
        headerFilled += taken;
        at += taken;
        if (headerFilled < headerBytes) return;
        headerFilled = 0;
        bodyLeft = bodyLength(header);
        continue;
      }
      const bytes = chunk.subarray(at, at + bodyLeft);
      at += bytes.length;
      bodyLeft -= bytes.length;
      yield { stream: header[0] === 2 ? 'stderr' : 'stdout', bytes };
    }
  };
};

const bodyLength = (header: Buffer): number => {
  const frameBytesMax = 64 << 20;
  const [stream] = header;
  const length = header.readUInt32BE(4);
  if ((stream !== 1 && stream !== 2) || header.readUIntBE(1, 3) !== 0 || length > frameBytesMax) {
    throw new Error('Docker sent a frame header that cannot be one.');
  }
  return length;
};
