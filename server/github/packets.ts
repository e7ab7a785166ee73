import { AppError } from '../domain/errors.ts';

/**
 * Cuts a stream into the packets of git's protocols: four hexadecimal digits of length, these four included, then the
 * payload, of at most 65,516 bytes. Source: gitprotocol-common(5), «pkt-line Format». Throws `clone_failed` at the first
 * length that cannot be one.
 */
export const readPackets = async function* (
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array | 'flush' | 'delimiter'> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  let needed = lengthBytes;
  for await (const chunk of chunks) {
    pieces.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    bytes += chunk.length;
    // Joined once for a packet: it may come byte by byte.
    if (bytes < needed) continue;
    let rest = pieces.length === 1 ? chunk : Buffer.concat(pieces);
    for (;;) {
      const length = rest.length < lengthBytes ? undefined : lengthOf(rest);
      needed = Math.max(length ?? 0, lengthBytes);
      if (length === undefined || rest.length < needed) break;
      if (length === 0) yield 'flush';
      else if (length === 1) yield 'delimiter';
      else yield rest.subarray(lengthBytes, length);
      rest = rest.subarray(needed);
    }
    pieces = [Buffer.from(rest.buffer, rest.byteOffset, rest.length)];
    bytes = rest.length;
  }
  if (bytes > 0) throw noPacket('the answer ends in the middle of a packet');
};

const lengthBytes = 4;
const packetBytesMax = 65_520;

const lengthOf = (bytes: Uint8Array): number => {
  const digits = Buffer.from(bytes.subarray(0, lengthBytes)).toString('latin1');
  const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : -1;
  const isSpecial = length === 0 || length === 1;
  if (!isSpecial && (length <= lengthBytes || length > packetBytesMax))
    throw noPacket('the answer is not in git’s protocol');
  return length;
};

const noPacket = (why: string): AppError =>
  new AppError('clone_failed', `GitHub did not send the base: ${why}.`);
