/**
 * Reads the first TLS records of a connection up to the end of the ClientHello and says which host it names (RFC 8446,
 * sections 4.1.2, 4.2 and 5.1; RFC 6066, section 3). It takes only what a client of today sends: exactly one host name
 * in clear, and nothing after the message before the server has answered. Every length is hostile.
 */
type HelloState =
  | { state: 'more' }
  | { state: 'done'; serverName: string }
  | { state: 'refused'; reason: string };

export type HelloReader = { push(piece: Uint8Array): HelloState };

export const helloBytesMax = 16_384;

export const createHelloReader = (): HelloReader => {
  let bytesSeen = 0;
  let headerFilled = 0;
  let recordLeft = 0;
  let messageFilled = 0;
  const header = Buffer.alloc(recordHeaderBytes);
  const message = Buffer.alloc(helloBytesMax);

  const push = (piece: Uint8Array): HelloState => {
    for (let at = 0; at < piece.length; ) {
      if (bytesSeen >= helloBytesMax) return refused('The TLS ClientHello is too long.');
      if (recordLeft === 0) {
        header[headerFilled] = piece[at] ?? 0;
        headerFilled += 1;
        bytesSeen += 1;
        at += 1;
        const problem = headerProblem(header.subarray(0, headerFilled));
        if (problem !== undefined) return refused(problem);
        if (headerFilled < recordHeaderBytes) continue;
        headerFilled = 0;
        recordLeft = header.readUInt16BE(3);
        continue;
      }
      const bytes = piece.subarray(at, at + Math.min(recordLeft, helloBytesMax - bytesSeen));
      message.set(bytes, messageFilled);
      messageFilled += bytes.length;
      bytesSeen += bytes.length;
      recordLeft -= bytes.length;
      at += bytes.length;

      const length = messageLength(message.subarray(0, messageFilled));
      if (length === undefined || messageFilled < length) continue;
      // Nothing may follow the message in its record, nor another message before the server's answer.
      if (length === 0 || messageFilled > length || recordLeft > 0) return refused(notAClientHello);
      return readMessage(message.subarray(messageHeaderBytes, length));
    }
    return { state: 'more' };
  };

  return { push };
};

const recordHeaderBytes = 5;
const messageHeaderBytes = 4;
const handshakeRecord = 22;
const recordBytesMax = 16_384;
const clientHello = 1;

const notTls = 'The first bytes are not TLS.';
const notAClientHello = 'The first bytes are not a TLS ClientHello.';

const refused = (reason: string): HelloState => ({ state: 'refused', reason });

/** Judges what is there of a record's header, so that what is not TLS is told from its first byte. */
const headerProblem = (header: Buffer): string | undefined => {
  if (header[0] !== handshakeRecord || (header.length > 1 && header[1] !== 3)) return notTls;
  if (header.length < recordHeaderBytes) return undefined;
  const length = header.readUInt16BE(3);
  return length === 0 || length > recordBytesMax ? notAClientHello : undefined;
};

/** The message's length with its header; undefined while that is not there, 0 when it is another message. */
const messageLength = (message: Buffer): number | undefined => {
  if (message.length > 0 && message[0] !== clientHello) return 0;
  return message.length < messageHeaderBytes ? undefined : messageHeaderBytes + message.readUIntBE(1, 3);
};

const readMessage = (body: Buffer): HelloState => {
  const cursor = createCursor(body);
  cursor.take(2 + 32); // legacy_version, random
  cursor.take(cursor.number(1)); // legacy_session_id
  cursor.take(cursor.number(2)); // cipher_suites
  cursor.take(cursor.number(1)); // legacy_compression_methods
  const extensions = readExtensions(cursor.take(cursor.number(2)));
  if (!cursor.finished() || extensions === undefined) return refused(notAClientHello);

  if ([...extensions.keys()].some((type) => encryptedHello.has(type))) {
    return refused('The TLS ClientHello hides its server name (Encrypted Client Hello).');
  }
  const serverName = extensions.get(serverNameExtension);
  if (serverName === undefined) return refused('The TLS ClientHello names no server.');
  const name = readServerName(serverName);
  return name === undefined
    ? refused('The TLS ClientHello does not name exactly one server.')
    : { state: 'done', serverName: name };
};

const serverNameExtension = 0;

/**
 * Encrypted Client Hello and its drafts: the name that counts is inside, the one in clear is for show. Empty decoys
 * (GREASE) look the same and are refused, too: command-line programs send none.
 */
const encryptedHello = new Set([
  0xfe0d, 0xfd00, 0xffce, 0xff02, 0xff03, 0xfe08, 0xfe09, 0xfe0a, 0xfe0b, 0xfe0c,
]);

/** undefined when the bytes are not a list of extensions, each of its own type. */
const readExtensions = (bytes: Buffer): Map<number, Buffer> | undefined => {
  const found = new Map<number, Buffer>();
  const cursor = createCursor(bytes);
  while (cursor.more()) {
    const type = cursor.number(2);
    const data = cursor.take(cursor.number(2));
    if (found.has(type)) return undefined;
    found.set(type, data);
  }
  return cursor.finished() ? found : undefined;
};

/** undefined unless it is a list of one entry, a host name in printable ASCII. */
const readServerName = (bytes: Buffer): string | undefined => {
  const outer = createCursor(bytes);
  const entry = createCursor(outer.take(outer.number(2)));
  const type = entry.number(1);
  const name = entry.take(entry.number(2)).toString('latin1');
  const isOne = outer.finished() && entry.finished() && type === 0;
  return isOne && /^[\x21-\x7e]+$/.test(name) ? name : undefined;
};

/** Reads forward and never beyond the end: what is missing reads as nothing, and then it never counts as finished. */
const createCursor = (bytes: Buffer) => {
  let at = 0;
  let isShort = false;
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) isShort = true;
    const taken = isShort ? Buffer.alloc(0) : bytes.subarray(at, at + length);
    at += taken.length;
    return taken;
  };
  const number = (length: number): number => {
    const taken = take(length);
    return taken.length === length ? taken.readUIntBE(0, length) : 0;
  };
  return {
    take,
    number,
    more: () => !isShort && at < bytes.length,
    finished: () => !isShort && at === bytes.length,
  };
};
