import { deflateSync } from 'node:zlib';
import { structuredPatch } from 'diff';
import type { Checkpoint } from '../domain/checkpoint.ts';
import type { FileMode } from '../domain/repository.ts';

/** One side of a changed file; undefined where it is not there. The content of the base may be unknown. */
type Side = { mode: FileMode; blobId: string; content: Uint8Array | undefined } | undefined;

/** What `git apply` takes, and a person can read: the work of a job against its base commit. Empty without any. */
export const renderPatch = (checkpoint: Checkpoint | undefined): Buffer => {
  if (checkpoint === undefined) return Buffer.alloc(0);
  const before = new Map(checkpoint.base.map(({ path, content, ...file }) => [path, { ...file, content }]));
  const after = new Map(checkpoint.files.map((file) => [file.path, file]));
  const paths = [...new Set([...after.keys(), ...checkpoint.deleted])].sort();
  const until = performance.now() + diffMsMax;
  return Buffer.concat(paths.flatMap((path) => fileLines(path, before.get(path), after.get(path), until)));
};

const absent = '0'.repeat(40);

/** Deletions of what git does not know, say because it came and went again, change nothing. */
const fileLines = (path: string, before: Side, after: Side, until: number): Buffer[] => {
  if (before === undefined && after === undefined) return [];
  if (before?.blobId === after?.blobId && before?.mode === after?.mode) return [];
  // A link that becomes a file, or the other way round, is a deletion and a new file to git.
  if (before && after && isLink(before) !== isLink(after)) {
    return [...fileLines(path, before, undefined, until), ...fileLines(path, undefined, after, until)];
  }
  return [
    line(`diff --git ${quoted(`a/${path}`)} ${quoted(`b/${path}`)}`),
    ...changed(path, before, after, until),
  ];
};

const isLink = ({ mode }: { mode: FileMode }): boolean => mode === '120000';

const changed = (path: string, before: Side, after: Side, until: number): Buffer[] => {
  const modes = modeLines(before, after);
  if (before?.blobId === after?.blobId) return modes;
  const sameMode = before && after && before.mode === after.mode ? ` ${after.mode}` : '';
  const index = line(`index ${before?.blobId ?? absent}..${after?.blobId ?? absent}${sameMode}`);
  return [...modes, index, ...contentLines(path, before, after, until)];
};

const modeLines = (before: Side, after: Side): Buffer[] => {
  if (before === undefined) return after ? [line(`new file mode ${after.mode}`)] : [];
  if (after === undefined) return [line(`deleted file mode ${before.mode}`)];
  if (before.mode === after.mode) return [];
  return [line(`old mode ${before.mode}`), line(`new mode ${after.mode}`)];
};

const contentLines = (path: string, before: Side, after: Side, until: number): Buffer[] => {
  const [old, fresh] = [textOf(before), textOf(after)];
  if (old === undefined || fresh === undefined) return literal(after?.content ?? new Uint8Array());
  const patch = structuredPatch('', '', old, fresh, '', '', {
    context: 3,
    timeout: until - performance.now(),
  });
  // Git takes an empty file without any of these lines.
  if (patch?.hunks.length === 0) return [];
  if (patch === undefined) return literal(after?.content ?? new Uint8Array());
  return [
    line(`--- ${before ? quoted(`a/${path}`) : '/dev/null'}`),
    line(`+++ ${after ? quoted(`b/${path}`) : '/dev/null'}`),
    ...patch.hunks.flatMap((hunk) => [
      line(`@@ -${range(hunk.oldStart, hunk.oldLines)} +${range(hunk.newStart, hunk.newLines)} @@`),
      ...hunk.lines.map(line),
    ]),
  ];
};

/** Texts that have little in common would keep the server busy: what is not found in this time is shown whole. */
const diffMsMax = 1000;

const range = (start: number, lines: number): string => (lines === 1 ? `${start}` : `${start},${lines}`);

/** undefined for what is not text, or not known. Where there is no file there is no text. */
const textOf = (side: Side): string | undefined => {
  if (side === undefined) return '';
  if (side.content === undefined || side.content.includes(0)) return undefined;
  const text = Buffer.from(side.content).toString('utf8');
  return Buffer.from(text).equals(side.content) ? text : undefined;
};

/**
 * The whole new content, as git’s binary patches have it: deflated, in lines of at most 52 bytes, each with its length as a
 * letter and in base 85. See https://git-scm.com/docs/diff-format and `emit_binary_diff` in git’s diff.c.
 */
const literal = (content: Uint8Array): Buffer[] => {
  const bytesOfLine = 52;
  const deflated = deflateSync(content);
  const lines = [line('GIT binary patch'), line(`literal ${content.length}`)];
  for (let at = 0; at < deflated.length; at += bytesOfLine) {
    const piece = deflated.subarray(at, at + bytesOfLine);
    const length = String.fromCharCode(piece.length <= 26 ? 64 + piece.length : 96 + piece.length - 26);
    lines.push(line(length + base85(piece)));
  }
  return [...lines, line('')];
};

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~';

const base85 = (bytes: Uint8Array): string => {
  const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  let text = '';
  for (let at = 0; at < padded.length; at += 4) {
    let number = padded.readUInt32BE(at);
    let word = '';
    for (let digit = 0; digit < 5; digit++) {
      word = alphabet[number % 85] + word;
      number = Math.floor(number / 85);
    }
    text += word;
  }
  return text;
};

const line = (text: string): Buffer => Buffer.from(`${text}\n`);

const escapes: Record<string, string> = { '\n': '\\n', '\t': '\\t', '"': '\\"', '\\': '\\\\' };

/** As git quotes a path that holds anything but plain characters. */
const quoted = (path: string): string => {
  if (!/[^ !#-[\]-~]/.test(path)) return path;
  const escaped = [...Buffer.from(path)].map((byte) => {
    const character = String.fromCharCode(byte);
    if (escapes[character]) return escapes[character];
    return byte >= 0x20 && byte < 0x7f ? character : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"${escaped.join('')}"`;
};
