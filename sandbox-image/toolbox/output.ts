/**
 * Passes the first half of `bytesMax` on as it comes and keeps the last half for the end: errors stand at the end of
 * long outputs, their cause at the beginning. Decoding is lossy on purpose: a command may print any bytes.
 */
export const createOutput = (bytesMax: number, send: (text: string) => void) => {
  const decoder = new TextDecoder();
  const half = Math.floor(bytesMax / 2);
  let headLeft = half;
  let tail: Buffer[] = [];
  let tailBytes = 0;
  let bytesLeftOut = 0;
  let over = false;

  const keep = (chunk: Buffer) => {
    tail.push(chunk);
    tailBytes += chunk.length;
    // Joined only now and then, so that a stream of tiny chunks does not cost a copy each.
    if (tailBytes <= 2 * half && tail.length < 1000) return;
    const joined = Buffer.concat(tail);
    const kept = joined.subarray(Math.max(0, joined.length - half));
    bytesLeftOut += joined.length - kept.length;
    tail = [Buffer.from(kept)];
    tailBytes = kept.length;
  };

  return {
    add: (chunk: Buffer): void => {
      if (over) return;
      const head = chunk.subarray(0, headLeft);
      headLeft -= head.length;
      if (head.length > 0) send(decoder.decode(head, { stream: true }));
      if (head.length < chunk.length) keep(chunk.subarray(head.length));
    },
    /** Sends what was kept; returns how many bytes in the middle were left out. */
    end: (): number => {
      over = true;
      const joined = Buffer.concat(tail);
      const kept = joined.subarray(Math.max(0, joined.length - half));
      bytesLeftOut += joined.length - kept.length;
      if (bytesLeftOut > 0) send(`${decoder.decode()}\n[${bytesLeftOut} bytes left out here]\n`);
      const rest = decoder.decode(kept, { stream: bytesLeftOut === 0 }) + decoder.decode();
      if (rest) send(rest);
      return bytesLeftOut;
    },
  };
};
