import type { Sandbox } from '../domain/sandbox.ts';
import type { BaseFiles } from './explore/base-files.ts';

export type ReadLimits = {
  fileBytesMax: number;
  /** Of all of them together. */
  bytesMax: number;
};

export type ReadFiles = {
  /** As UTF-8; what is none of it becomes `�`. */
  texts: ReadonlyMap<string, string>;
  notes: readonly string[];
};

/**
 * The contents of these files, hashed by the server against the base’s trees. How large a blob is shows only when it
 * comes: so all are asked for at once, and when they are too much for one answer, by halves.
 */
export const readFiles = async (
  sandbox: Pick<Sandbox, 'blobs'>,
  files: BaseFiles,
  paths: readonly string[],
  { fileBytesMax, bytesMax }: ReadLimits,
  signal: AbortSignal,
): Promise<ReadFiles> => {
  const texts = new Map<string, string>();
  const notes: string[] = [];
  let left = bytesMax;

  const read = async (portion: readonly string[]): Promise<void> => {
    const ids = portion.flatMap((path) => files.get(path)?.blobId ?? []);
    const atMost = Math.min(fileBytesMax, left);
    const contents = ids.length === 0 ? [] : await sandbox.blobs(ids, atMost, signal);
    if (contents !== undefined) {
      for (const [index, path] of portion.entries()) {
        const content = contents[index];
        if (content === undefined) continue;
        left -= content.length;
        texts.set(path, decoder.decode(content));
      }
      return;
    }
    const [only, ...others] = portion;
    if (only === undefined) return;
    if (others.length === 0) {
      notes.push(
        atMost < fileBytesMax
          ? `${only} was not read: what was read before it is enough.`
          : `${only} is larger than ${fileBytesMax / 1024} KB and was not read.`,
      );
      return;
    }
    const half = Math.ceil(portion.length / 2);
    await read(portion.slice(0, half));
    await read(portion.slice(half));
  };
  await read(paths);
  return { texts, notes };
};

const decoder = new TextDecoder();
