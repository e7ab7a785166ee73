import { AppError } from '../domain/errors.ts';
import { gatherBytes } from '../domain/gathered-bytes.ts';
import { cut, oneLine } from '../domain/visible-text.ts';

/** Passes the pieces on until there are more bytes than allowed, then throws. */
export const limitBytes = async function* (
  pieces: AsyncIterable<Uint8Array>,
  bytesMax: number,
  what: string,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.byteLength;
    if (bytes > bytesMax) throw new AppError('github_failed', `${what} has more than ${bytesMax} bytes.`);
    yield piece;
  }
};

/** Only for what a limit has made small. */
export const readAll = async (pieces: AsyncIterable<Uint8Array>): Promise<Buffer<ArrayBuffer>> => {
  const all = gatherBytes();
  for await (const piece of pieces) all.add(piece);
  return Buffer.from(all.take());
};

/** One line of at most 300 characters without what is hidden, to quote what another program said. */
export const quotable = (text: string): string => cut(oneLine(text), 300);
