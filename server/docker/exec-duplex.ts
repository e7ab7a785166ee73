import type { Duplex } from 'node:stream';
import { type Cut, cutDuplex } from './cut-duplex.ts';

/**
 * A hijacked `docker exec` as a duplex stream: what is written goes to stdin, what is read is stdout. Docker sends
 * stdout in frames, an 8-byte header (stream, 3 zero bytes, length as uint32) before each. Frames are cut iteratively
 * and passed on without copying, with backpressure (dockerode's own demuxer has neither); a header that cannot be one
 * ends the stream, and so does stderr, which nobody asks for: a sandbox could fill the server with it.
 * Source: Docker Engine API, «Attach to a container», stream format.
 */
export const createExecDuplex = (socket: Duplex): Duplex => cutDuplex(socket, createFrameCutter());

const headerBytes = 8;

const createFrameCutter = (): Cut => {
  const header = Buffer.alloc(headerBytes);
  let headerFilled = 0;
  let bodyLeft = 0;

  return function* cut(chunk) {
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
      yield bytes;
    }
  };
};

const bodyLength = (header: Buffer): number => {
  const frameBytesMax = 64 << 20;
  const length = header.readUInt32BE(4);
  if (header.readUInt32BE(0) !== stdout || length > frameBytesMax) {
    throw new Error('Docker sent a frame header that cannot be one.');
  }
  return length;
};

/** The stream's number, and three bytes that are zero. */
const stdout = 0x01_00_00_00;
