import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

export type PackObject = {
  type: 'commit' | 'tree' | 'blob' | 'tag' | 'ofs-delta' | 'ref-delta';
  content: Buffer;
  /** Instead of the content’s length. */
  declares?: number;
  /** Instead of the deflated content. */
  deflated?: Buffer;
};

const typeNumbers = { commit: 1, tree: 2, blob: 3, tag: 4, 'ofs-delta': 6, 'ref-delta': 7 };

/** A pack as nobody’s git would write it. */
export const makePack = (
  objects: readonly PackObject[],
  says: { version?: number; count?: number } = {},
): Buffer => {
  const header = Buffer.alloc(12);
  header.write('PACK', 'latin1');
  header.writeUInt32BE(says.version ?? 2, 4);
  header.writeUInt32BE(says.count ?? objects.length, 8);
  return seal([header, ...objects.flatMap(render)]);
};

export const seal = (parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
};

export const objectId = ({ type, content }: Pick<PackObject, 'type' | 'content'>): string =>
  createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');

export const tree = (
  ...entries: readonly (readonly [mode: string, name: string | Buffer, id: string])[]
): PackObject => ({
  type: 'tree',
  content: Buffer.concat(
    entries.flatMap(([mode, name, id]) => [
      Buffer.from(`${mode} `),
      Buffer.from(name),
      Buffer.from([0]),
      Buffer.from(id, 'hex'),
    ]),
  ),
});

export const commit = (root: PackObject, message = 'Start'): PackObject => ({
  type: 'commit',
  content: Buffer.from(
    `tree ${objectId(root)}\nauthor A <a@b.c> 1 +0000\ncommitter A <a@b.c> 1 +0000\n\n${message}\n`,
  ),
});

const render = ({ type, content, declares = content.length, deflated }: PackObject): Buffer[] => {
  const bytes: number[] = [];
  let rest = Math.floor(declares / 16);
  bytes.push((typeNumbers[type] << 4) | (declares % 16) | (rest > 0 ? 0x80 : 0));
  while (rest > 0) {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(low | (rest > 0 ? 0x80 : 0));
  }
  return [Buffer.from(bytes), deflated ?? deflateSync(content)];
};
