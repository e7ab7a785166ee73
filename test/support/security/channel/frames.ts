/** HTTP/2 as bytes, also such as no library would send. Source: RFC 9113 for frames, RFC 7541 for header blocks. */
export const kinds = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
  altsvc: 10,
  origin: 12,
  unheardOf: 0x55,
} as const;

export const flags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 } as const;

export type FrameOptions = {
  flag?: number;
  stream?: number;
  /** What the header says, in place of the truth. */
  length?: number;
};

export const frame = (
  kind: number,
  payload: Uint8Array | string = '',
  { flag = 0, stream = 0, length }: FrameOptions = {},
): Buffer => {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(length ?? body.length, 0, 3);
  head[3] = kind;
  head[4] = flag;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
};

/** A header block, by default whole in this frame, and on a stream that the script puts in. */
export const headers = (block: Uint8Array, options: FrameOptions = {}): Buffer =>
  frame(kinds.headers, block, { flag: flags.endHeaders, stream: 1, ...options });

export const data = (payload: Uint8Array | string, options: FrameOptions = {}): Buffer =>
  frame(kinds.data, payload, { stream: 1, ...options });

export const settings = (...values: [id: number, value: number][]): Buffer =>
  frame(
    kinds.settings,
    Buffer.concat(values.map(([id, value]) => Buffer.concat([uint16(id), uint32(value)]))),
  );

export const windowUpdate = (increment: number, stream = 0): Buffer =>
  frame(kinds.window, uint32(increment), { stream });

export const reset = (code: number): Buffer => frame(kinds.reset, uint32(code), { stream: 1 });

export const goaway = (code: number, lastStream = 0, reason = ''): Buffer =>
  frame(kinds.goaway, Buffer.concat([uint32(lastStream), uint32(code), Buffer.from(reason)]));

export const ping = (flag = 0): Buffer => frame(kinds.ping, Buffer.alloc(8), { flag });

/** Headers as literals that no table keeps. */
export const literals = (...pairs: [name: string, value: string][]): Buffer =>
  Buffer.concat(pairs.map(([name, value]) => literal(0, name, value)));

/** A header that goes into the table, as the newest of its entries: `newest` says it again in one byte. */
export const kept = (name: string, value: string): Buffer => literal(0x40, name, value);
export const newest = 0x80 | 62;

const literal = (kind: number, name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([kind]), text(name), text(value)]);

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([integer(bytes.length, 7), bytes]);
};

/** RFC 7541, section 5.1: with `bits` bits of its first byte, whose others are zero. */
export const integer = (value: number, bits: number, first = 0): Buffer => {
  const most = 2 ** bits - 1;
  if (value < most) return Buffer.from([first | value]);
  const bytes = [first | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
};

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const uint16 = (value: number): Buffer => uint32(value).subarray(2);

export const repeated = (bytes: Uint8Array, times: number): Buffer =>
  Buffer.concat(Array.from({ length: times }, () => bytes));
