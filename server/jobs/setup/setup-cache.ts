import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

/**
 * What setup commands made, on this server's disk: bytes out of a sandbox that are never looked at here, and go into
 * sandboxes of the same repository only.
 */
export type SetupCache = {
  /** False where it is turned off: then nothing is read or written. */
  isOn: boolean;
  /** undefined when there is no whole entry; one that is broken goes. */
  read(key: string): Promise<SetupEntry | undefined>;
  /** Replaces an entry. Throws when it is too large, or cannot be written; then there is none. */
  write(key: string, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  forget(key: string): Promise<void>;
};

/** Disposed, it is closed. */
type SetupEntry = AsyncDisposable & { bytes: AsyncIterable<Uint8Array> };

export type SetupCacheLimits = {
  /** Of all entries together; the least recently used go first. 0 turns the cache off. */
  bytesMax: number;
  entryBytesMax: number;
};

export class SetupTooLarge extends Error {
  override name = 'SetupTooLarge';
}

/** An entry is a file: the bytes, and behind them their SHA-256. Several servers may share the directory. */
export const createSetupCache = (directory: string, limits: SetupCacheLimits): SetupCache => {
  const fileOf = (key: string): string => path.join(directory, `${key}${entryEnd}`);
  const forget = (key: string) => rm(fileOf(key), { force: true });

  return {
    isOn: limits.bytesMax > 0,
    forget,
    async read(key) {
      const file = await open(fileOf(key), 'r').catch(noEntry);
      if (file === undefined) return undefined;
      try {
        const length = (await file.stat()).size - digestBytes;
        if (length > 0 && (await isWhole(file, length))) {
          const now = new Date();
          // Another server may have removed it since; what is open stays.
          await utimes(fileOf(key), now, now).catch(() => {});
          return {
            bytes: bytesOf(file, 0, length),
            [Symbol.asyncDispose]: () => file.close(),
          };
        }
        await file.close();
        await forget(key);
        return undefined;
      } catch (error) {
        await file.close().catch(() => {});
        throw error;
      }
    },
    async write(key, bytes) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const unfinished = path.join(directory, `${key}.${randomUUID()}${unfinishedEnd}`);
      try {
        const file = await open(unfinished, 'wx', 0o600);
        await pipeline(withDigest(bytes, limits.entryBytesMax), file.createWriteStream({ flush: true }));
        await rename(unfinished, fileOf(key));
      } catch (error) {
        await rm(unfinished, { force: true });
        await forget(key);
        throw error;
      }
      await makeRoom(directory, limits.bytesMax);
    },
  };
};

const entryEnd = '.tar';
const unfinishedEnd = '.unfinished';
const digestBytes = 32;
const pieceBytes = 1 << 20;

const noEntry = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== 'ENOENT') throw error;
};

async function* withDigest(bytes: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const piece of bytes) {
    length += piece.length;
    if (length > bytesMax) throw new SetupTooLarge(`What was set up has more than ${bytesMax} bytes.`);
    hash.update(piece);
    yield piece;
  }
  yield hash.digest();
}

/** Looked at before the first byte is given out: half of an entry in a sandbox is worse than none. */
const isWhole = async (file: FileHandle, length: number): Promise<boolean> => {
  const hash = createHash('sha256');
  for await (const piece of bytesOf(file, 0, length)) hash.update(piece);
  const [digest] = await Array.fromAsync(bytesOf(file, length, length + digestBytes));
  return digest !== undefined && hash.digest().equals(digest);
};

async function* bytesOf(file: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; ) {
    const piece = Buffer.allocUnsafe(Math.min(pieceBytes, to - at));
    const { bytesRead } = await file.read(piece, 0, piece.length, at);
    if (bytesRead === 0) throw new Error('An entry of the setup cache became shorter while it was read.');
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

/** Removes the least recently used entries, and what a server that died was writing. */
const makeRoom = async (directory: string, bytesMax: number): Promise<void> => {
  const unfinishedMsMax = 3_600_000;
  const files = await Promise.all(
    (await readdir(directory)).map(async (name) => {
      const file = path.join(directory, name);
      // Another server may have removed it meanwhile.
      const known = await stat(file).catch(() => undefined);
      return known ? [{ file, bytes: known.size, usedAt: known.mtimeMs }] : [];
    }),
  );
  const oldestFirst = files.flat().toSorted((a, b) => a.usedAt - b.usedAt);
  let bytes = oldestFirst.reduce((sum, one) => sum + one.bytes, 0);
  for (const { file, bytes: freed, usedAt } of oldestFirst) {
    const isLeft = file.endsWith(unfinishedEnd) && Date.now() - usedAt > unfinishedMsMax;
    const isTooMuch = file.endsWith(entryEnd) && bytes > bytesMax;
    if (!isLeft && !isTooMuch) continue;
    await rm(file, { force: true });
    bytes -= freed;
  }
};
