import { createOutputFile } from './output-file.ts';

export type Output = {
  add(chunk: Buffer): void;
  /** Sends what was kept; how many bytes in the middle were left out, and where all of them are. */
  end(): { bytesLeftOut: number; outputFile: string | null };
};

/**
 * Passes the first half of `bytesMax` on as it comes and keeps the last half for the end: errors stand at the end of
 * long outputs, their cause at the beginning. What is more goes to a file as a whole, and the newest of it is shown now
 * and then to whoever watches. Decoding is lossy on purpose: a command may print any bytes.
 */
export const createOutput = (options: {
  bytesMax: number;
  fileName: string;
  send: (text: string) => void;
  show: (text: string) => void;
}): Output => {
  const { bytesMax, fileName, send, show } = options;
  const decoder = new TextDecoder();
  const half = Math.floor(bytesMax / 2);
  const file = createOutputFile(fileName);
  const showNow = createGlimpses(show);
  let head: Buffer[] = [];
  let headLeft = half;
  let tail: Buffer[] = [];
  let tailBytes = 0;
  let bytesLeftOut = 0;
  let over = false;

  const keep = (chunk: Buffer) => {
    tail.push(chunk);
    tailBytes += chunk.length;
    if (tailBytes > half) {
      // The beginning was passed on already; the file is to have it, too.
      for (const piece of [...head, ...(head.length > 0 ? tail : [chunk])]) file.write(piece);
      head = [];
      showNow(chunk);
    }
    // Joined only now and then, so that a stream of tiny chunks does not cost a copy each.
    if (tailBytes <= 2 * half && tail.length < 1000) return;
    const joined = Buffer.concat(tail);
    const kept = joined.subarray(Math.max(0, joined.length - half));
    bytesLeftOut += joined.length - kept.length;
    tail = [Buffer.from(kept)];
    tailBytes = kept.length;
  };

  return {
    add(chunk) {
      if (over) return;
      const first = chunk.subarray(0, headLeft);
      headLeft -= first.length;
      if (first.length > 0) {
        head.push(first);
        send(decoder.decode(first, { stream: true }));
      }
      if (first.length < chunk.length) keep(chunk.subarray(first.length));
    },
    end() {
      over = true;
      const joined = Buffer.concat(tail);
      const kept = joined.subarray(Math.max(0, joined.length - half));
      bytesLeftOut += joined.length - kept.length;
      if (bytesLeftOut > 0) send(`${decoder.decode()}\n[${bytesLeftOut} bytes left out here]\n`);
      const rest = decoder.decode(kept, { stream: bytesLeftOut === 0 }) + decoder.decode();
      if (rest) send(rest);
      return { bytesLeftOut, outputFile: file.end() };
    },
  };
};

/** At most two glimpses a second of at most four kilobytes, the newest. */
const createGlimpses = (show: (text: string) => void) => {
  const everyMs = 500;
  const glimpseBytesMax = 4096;
  let shownAt = performance.now();
  return (chunk: Buffer): void => {
    const now = performance.now();
    if (now - shownAt < everyMs) return;
    shownAt = now;
    show(new TextDecoder().decode(chunk.subarray(-glimpseBytesMax)));
  };
};
