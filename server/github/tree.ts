import { isTakenFor, visibleName } from '../domain/file-name.ts';

/** One line of a git tree. `bytes` is the name as it stands there, which need not be UTF-8. */
export type TreeEntry = { mode: string; name: string; bytes: Uint8Array; id: string };

export const directoryMode = '40000';

/** Reads a tree as git stores it: `mode SP name NUL id`, again and again. Throws a plain Error when it is none. */
export const parseTree = function* (tree: Buffer): Generator<TreeEntry> {
  let at = 0;
  while (at < tree.length) {
    const space = tree.indexOf(0x20, at);
    const end = tree.indexOf(0, space + 1);
    const next = end + 1 + idBytes;
    if (space < 0 || end < 0 || next > tree.length) throw new Error('A tree ends in the middle of an entry.');
    const bytes = tree.subarray(space + 1, end);
    yield {
      mode: tree.toString('latin1', at, space),
      name: bytes.toString('utf8'),
      bytes,
      id: tree.toString('hex', end + 1, next),
    };
    at = next;
  }
};

/** git compares names as bytes, and a directory's as if a slash followed it. */
export const renderTree = (entries: Iterable<TreeEntry>): Buffer => {
  const sortable = Array.from(entries, (entry) => ({ entry, key: sortKey(entry) }));
  sortable.sort((a, b) => Buffer.compare(a.key, b.key));
  const parts = sortable.flatMap(({ entry: { mode, bytes, id } }) => [
    Buffer.from(`${mode} `, 'latin1'),
    bytes,
    nul,
    Buffer.from(id, 'hex'),
  ]);
  return Buffer.concat(parts);
};

/**
 * What is wrong with a name in a tree; undefined when nothing is. It is git's own verify_path() with the names that
 * Windows and macOS take for `.git`, so that whoever checks our commit out is safe, too.
 */
export const nameProblem = (name: string): string | undefined => {
  if (name === '') return 'is empty';
  if (Buffer.byteLength(name) > nameBytesMax) return `is longer than ${nameBytesMax} bytes`;
  // git takes a backslash for a letter, but isomorphic-git's push refuses such trees: better now than at the end.
  if (/[/\\\0]/.test(name)) return 'contains a slash, a backslash or a NUL';
  if (isDots(visibleName(name))) return 'leads out of its directory';
  return isTakenFor('.git', name) ? 'means git’s own directory' : undefined;
};

const isDots = (name: string): boolean => name === '.' || name === '..';

const idBytes = 20;
const nul = Buffer.from([0]);

/** NAME_MAX of Linux: nobody could check out more. */
const nameBytesMax = 255;

const sortKey = ({ mode, bytes }: TreeEntry): Uint8Array =>
  mode === directoryMode ? Buffer.concat([bytes, Buffer.from('/')]) : bytes;
