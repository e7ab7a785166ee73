import { createHash } from 'node:crypto';
import { gatherBytes } from '../domain/gathered-bytes.ts';
import { brokenToolbox } from './calls.ts';

/** The line before each blob: id, `blob` and size. */
const headerBytesMax = 80;

/**
 * The blobs with these ids, in their order, from the output of `git cat-file --batch`; undefined when they have more than
 * `bytesMax` bytes together. What does not hash to its id was not asked for.
 */
export const readBlobs = async (
  batch: AsyncIterable<Uint8Array>,
  ids: readonly string[],
  bytesMax: number,
): Promise<Uint8Array[] | undefined> => {
  const gathered = gatherBytes();
  for await (const chunk of batch) {
    gathered.add(Buffer.from(chunk));
    if (gathered.length > bytesMax + ids.length * headerBytesMax) return undefined;
  }
  const bytes = Buffer.from(gathered.take());
  let at = 0;
  return ids.map((id) => {
    const end = bytes.indexOf('\n', at);
    const header = bytes.subarray(at, Math.min(end, at + headerBytesMax)).toString('latin1');
    const size = Number(/^[0-9a-f]{40} blob (\d{1,12})$/.exec(header)?.[1] ?? Number.NaN);
    const content = bytes.subarray(end + 1, end + 1 + size);
    if (end < 0 || content.length !== size || gitBlobId(content) !== id) {
      throw brokenToolbox(`The toolbox did not give the blob ${id}.`);
    }
    at = end + 1 + size + 1;
    return Buffer.from(content);
  });
};

export const gitBlobId = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
