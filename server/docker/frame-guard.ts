import type { Duplex } from 'node:stream';
import { type Cut, cutDuplex } from './cut-duplex.ts';

export type FrameLimits = {
  /**
   * Above this pace the sandbox waits. A sender that has to wait joins what it has into large frames, which do not
   * count: their bytes are limited elsewhere.
   */
  smallFramesPerSecond: number;
  /** What the other side says before its first frame. */
  prefaceBytes?: number;
};

/**
 * Stands between a sandbox and Node's HTTP/2, and lets through what a toolbox of ours sends, one whole frame at a time.
 * Node limits bytes, but frames of a few bytes are what fills a server's memory and takes its processor: 35 MB of
 * frames with one byte each, in bodies that nobody read, took 600 MB. So kinds of frames that a toolbox never sends
 * end the stream, and the pace of small ones is limited.
 * Source: RFC 9113, section 4.1 for the header of a frame, section 6 for the kinds.
 */
export const guardFrames = (
  wire: Duplex,
  { smallFramesPerSecond, prefaceBytes = 0 }: FrameLimits,
): Duplex => {
  const pace = createPace(smallFramesPerSecond);
  const frames = createFrameCutter();
  let prefaceLeft = prefaceBytes;
  let aboutSession = 0;

  const cut: Cut = function* (chunk) {
    const preface = chunk.subarray(0, prefaceLeft);
    prefaceLeft -= preface.length;
    if (preface.length > 0) yield preface;
    for (const frame of frames(chunk.subarray(preface.length))) {
      pace.count(frame);
      if (kindsAboutSession.has(frame[3] ?? 0)) aboutSession += 1;
      if (aboutSession > aboutSessionMax) throw notOurs();
      yield frame;
    }
  };
  return cutDuplex(wire, cut, pace.restMs);
};

const headerBytes = 9;
/** What HTTP/2 allows to who was not told otherwise, and we tell nobody otherwise. */
const payloadBytesMax = 16_384;

const kinds = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, window: 8, continuation: 9 };
const known = new Set(Object.values(kinds));
/** A few at the beginning, then one each time that the server asks whether the toolbox lives: 5,760 in a day. */
const kindsAboutSession = new Set([kinds.settings, kinds.ping, kinds.goaway]);
const aboutSessionMax = 10_000;

/**
 * Each frame comes out whole and alone: of a chunk that is handed on as one, a single byte that nobody reads would
 * keep the whole in memory.
 */
const createFrameCutter = (): Cut => {
  const partial = Buffer.alloc(headerBytes + payloadBytesMax);
  let filled = 0;

  return function* cut(chunk) {
    let at = 0;
    while (at < chunk.length) {
      if (filled === 0 && chunk.length - at >= headerBytes) {
        const end = at + frameLength(chunk, at);
        if (end <= chunk.length) {
          yield chunk.subarray(at, end);
          at = end;
          continue;
        }
      }
      const wanted = filled < headerBytes ? headerBytes : frameLength(partial, 0);
      const taken = chunk.copy(partial, filled, at, at + wanted - filled);
      filled += taken;
      at += taken;
      if (filled < headerBytes || filled < frameLength(partial, 0)) continue;
      yield Buffer.from(partial.subarray(0, filled));
      filled = 0;
    }
  };
};

/** With its header. Throws when no toolbox of ours sends such a frame. */
const frameLength = (bytes: Buffer, at: number): number => {
  const payloadBytes = bytes.readUIntBE(at, 3);
  if (payloadBytes > payloadBytesMax || !known.has(bytes[at + 3] ?? -1)) throw notOurs();
  return headerBytes + payloadBytes;
};

const notOurs = () => new Error('The toolbox sent a frame that is none of its own.');

const createPace = (smallFramesPerSecond: number) => {
  const smallBytesMax = 4096;
  const atOnceMax = 5000;
  const perMs = smallFramesPerSecond / 1000;
  let left = atOnceMax;
  let countedAt = performance.now();
  return {
    count(frame: Buffer) {
      if (frame.length <= smallBytesMax) left -= 1;
    },
    restMs() {
      const now = performance.now();
      left = Math.min(atOnceMax, left + (now - countedAt) * perMs);
      countedAt = now;
      return left < 0 ? Math.ceil(-left / perMs) : 0;
    },
  };
};
