import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { inflateSync } from 'node:zlib';
import { AppError } from '../domain/errors.ts';
import type { GitHubLimits } from './options.ts';

/** A pack that has been found harmless. Trees are inflated when they are asked for, so that memory stays low. */
export type ScannedPack = {
  rootTree: string;
  /** undefined when the pack lacks the tree. */
  tree(id: string): Buffer | undefined;
};

type PackLimits = Pick<GitHubLimits, 'packBytesMax' | 'packObjectsMax' | 'objectBytesMax'>;

/**
 * Reads a pack that came out of a sandbox before any library does: 0.6 MB can inflate to gigabytes. It must hold the
 * commit with the given id and trees, whole (no deltas), and nothing else. Ids are computed from the content, so what
 * is reachable from that commit is what GitHub has. Format: git's Documentation/gitformat-pack.txt.
 */
export const scanPack = async (
  pack: Buffer,
  commit: string,
  limits: PackLimits,
  signal: AbortSignal,
): Promise<ScannedPack> => {
  const count = readHeader(pack, limits);
  const end = pack.length - idBytes;
  const places = new Map<string, Place>();
  const breathe = createBreather(signal);
  let rootTree: string | undefined;
  let inflatedBytes = 0;
  let at = headerBytes;
  for (let index = 0; index < count; index += 1) {
    const place = readPlace(pack, at, end, limits.objectBytesMax);
    const { content, next } = inflate(pack, place, end);
    inflatedBytes += content.length;
    if (inflatedBytes > limits.packBytesMax * inflationMax) throw refused('it inflates without an end');
    const id = objectId(place.type, content);
    if (places.has(id)) throw refused(`it has the object ${id} twice`);
    places.set(id, place);
    if (place.type === 'commit') {
      if (id !== commit) throw refused(`it has the commit ${id}, but the base is ${commit}`);
      rootTree = treeOf(content);
    }
    at = next;
    await breathe();
  }
  if (at !== end) throw refused('bytes are left over after its last object');
  await checkTrailer(pack, end, breathe);
  if (rootTree === undefined) throw refused(`it lacks the base commit ${commit}`);
  return {
    rootTree,
    tree: (id) => {
      const place = places.get(id);
      return place?.type === 'tree' ? inflate(pack, place, end).content : undefined;
    },
  };
};

export const refused = (why: string, cause?: unknown): AppError =>
  new AppError('base_refused', `The base commit that came out of the sandbox was refused: ${why}.`, {
    whatToDo: 'Look at the repository for what the message names; if it is in order, send the job again.',
    cause,
  });

/** An honest repository can do this, too: it is only larger than what `githubOptions` in server/options.ts allows. */
export const beyondLimit = (why: string): AppError =>
  new AppError('base_refused', `The base commit that came out of the sandbox was refused: ${why}.`, {
    whatToDo: 'That is this server’s limit for one repository (server/options.ts): use a smaller repository.',
  });

/** Lets the server do something else every few milliseconds, however large the pack is. */
export const createBreather = (signal: AbortSignal): (() => Promise<void>) => {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < turnMs) return;
    await setImmediate();
    signal.throwIfAborted();
    since = performance.now();
  };
};

type Place = { type: 'commit' | 'tree'; at: number; bytes: number };

const headerBytes = 12;
const idBytes = 20;
const turnMs = 5;

/** Of 30 to 50 bytes in a tree's entry 20 are an id, which is random: honest packs inflate to less than thrice. */
const inflationMax = 8;

const readHeader = (pack: Buffer, limits: PackLimits): number => {
  if (pack.length > limits.packBytesMax)
    throw beyondLimit(`its pack has more than ${limits.packBytesMax} bytes`);
  if (pack.length < headerBytes + idBytes) throw refused('its pack is cut off');
  if (pack.toString('latin1', 0, 4) !== 'PACK' || pack.readUInt32BE(4) !== 2) {
    throw refused('it is no pack of version 2');
  }
  const count = pack.readUInt32BE(8);
  if (count > limits.packObjectsMax) throw beyondLimit(`it has more than ${limits.packObjectsMax} objects`);
  return count;
};

/** Type and size stand before the deflated content, seven bits a byte, lowest first. */
const readPlace = (pack: Buffer, start: number, end: number, bytesMax: number): Place => {
  let at = start;
  const read = (): number => {
    if (at >= end) throw refused('its pack is cut off');
    const byte = pack.readUInt8(at);
    at += 1;
    return byte;
  };
  let byte = read();
  const type = objectTypes[(byte >> 4) & 7];
  let bytes = byte & 15;
  for (let factor = 16; byte & 0x80; factor *= 128) {
    byte = read();
    bytes += (byte & 0x7f) * factor;
    if (bytes > bytesMax) throw beyondLimit(`it has an object with more than ${bytesMax} bytes`);
  }
  if (type !== 'commit' && type !== 'tree')
    throw refused(`it has a ${type ?? 'nameless thing'}, which is not for here`);
  return { type, at, bytes };
};

const objectTypes = [
  undefined,
  'commit',
  'tree',
  'blob',
  'tag',
  undefined,
  'offset delta',
  'reference delta',
];

const inflate = (pack: Buffer, { at, bytes }: Place, end: number): { content: Buffer; next: number } => {
  const options = {
    info: true,
    // One more than declared, so that a content of another length shows.
    maxOutputLength: bytes + 1,
    chunkSize: Math.min(Math.max(bytes + 1, smallestChunkBytes), largestChunkBytes),
  };
  try {
    // With `info`, zlib also tells how much it has read; its types do not know that.
    const { buffer, engine } = inflateSync(pack.subarray(at, end), options) as unknown as Inflated;
    if (buffer.length === bytes) return { content: buffer, next: at + engine.bytesWritten };
  } catch (error) {
    throw refused('an object cannot be inflated to the size that it declares', error);
  }
  throw refused('an object has another size than it declares');
};

type Inflated = { buffer: Buffer; engine: { bytesWritten: number } };

/** zlib's own lower bound, and enough for nearly every tree. */
const smallestChunkBytes = 64;
const largestChunkBytes = 64 << 10;

const objectId = (type: string, content: Buffer): string =>
  createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');

const treeOf = (commit: Buffer): string => {
  const match = /^tree ([0-9a-f]{40})\n/.exec(commit.toString('latin1', 0, 46));
  if (match?.[1] === undefined) throw refused('its commit names no tree');
  return match[1];
};

const checkTrailer = async (pack: Buffer, end: number, breathe: () => Promise<void>): Promise<void> => {
  const hash = createHash('sha1');
  for (let at = 0; at < end; at += hashedAtOnceBytes) {
    hash.update(pack.subarray(at, Math.min(at + hashedAtOnceBytes, end)));
    await breathe();
  }
  if (!hash.digest().equals(pack.subarray(end))) throw refused('the checksum of its pack is wrong');
};

const hashedAtOnceBytes = 1 << 20;
