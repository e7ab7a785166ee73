/** A ClientHello made by hand, well-formed by default, so that a test can bend one thing at a time. */
export type HelloShape = {
  /** Entries of the one server_name extension; none leaves the extension out. */
  serverNames?: readonly (string | { type: number; name: Buffer })[];
  /** Further extensions, after the server's name. */
  extensions?: readonly { type: number; data: Buffer }[];
  /** Sizes of the first records; the last one takes the rest. */
  recordBytes?: readonly number[];
  contentType?: number;
  versionMajor?: number;
  messageType?: number;
  /** Put behind the extensions, within the message. */
  behindExtensions?: Buffer;
  /** Put behind the message, within its last record. */
  trailing?: Buffer;
};

export const buildClientHello = (shape: HelloShape = { serverNames: ['github.com'] }): Buffer => {
  const { contentType = 22, versionMajor = 3, messageType = 1, recordBytes = [] } = shape;
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    sized(1, Buffer.alloc(32, 9)),
    sized(2, Buffer.from([0x13, 0x01, 0x13, 0x02])),
    sized(1, Buffer.from([0])),
    sized(2, Buffer.concat([...serverNameOf(shape), ...(shape.extensions ?? []).map(extension)])),
    shape.behindExtensions ?? Buffer.alloc(0),
  ]);
  const message = Buffer.concat([
    Buffer.from([messageType]),
    sized(3, body),
    shape.trailing ?? Buffer.alloc(0),
  ]);
  return Buffer.concat(
    cut(message, recordBytes).map((piece) =>
      Buffer.concat([Buffer.from([contentType, versionMajor, 1]), sized(2, piece)]),
    ),
  );
};

export const serverNameExtension = (names: NonNullable<HelloShape['serverNames']>) => ({
  type: 0,
  data: sized(2, Buffer.concat(names.map(serverName))),
});

/** The bytes with their length before them. */
export const sized = (lengthBytes: number, bytes: Buffer): Buffer => {
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(bytes.length, 0, lengthBytes);
  return Buffer.concat([length, bytes]);
};

const serverNameOf = ({ serverNames = [] }: HelloShape): Buffer[] =>
  serverNames.length === 0 ? [] : [extension(serverNameExtension(serverNames))];

const serverName = (entry: string | { type: number; name: Buffer }): Buffer => {
  const { type, name } = typeof entry === 'string' ? { type: 0, name: Buffer.from(entry, 'latin1') } : entry;
  return Buffer.concat([Buffer.from([type]), sized(2, name)]);
};

const extension = ({ type, data }: { type: number; data: Buffer }): Buffer =>
  Buffer.concat([Buffer.from([type >> 8, type & 255]), sized(2, data)]);

const cut = (message: Buffer, sizes: readonly number[]): Buffer[] => {
  let at = 0;
  const pieces = sizes.map((size) => {
    at += size;
    return message.subarray(at - size, at);
  });
  return [...pieces, message.subarray(at)];
};
