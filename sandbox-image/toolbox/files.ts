import fs from 'node:fs';
import path from 'node:path';
import { similarFiles } from './find.ts';
import { type Problem, problem, resolvePath } from './workspace.ts';

/**
 * Files are read and written synchronously: inside gVisor each of Node's asynchronous file operations costs a third of
 * a millisecond for its way through the thread pool, and an operation itself a tenth of that.
 */

export const readFile = async (request: {
  filepath: string;
  offset?: number;
  limit?: number;
  bytesMax: number;
}): Promise<object> => {
  const bytes = await load(request.filepath);
  if ('ok' in bytes) return bytes;
  if (bytes.subarray(0, 8192).includes(0)) {
    return problem(
      `${request.filepath} is a binary file (${bytes.length} bytes): it cannot be shown as text.`,
    );
  }
  const lines = bytes.toString('utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  const from = Math.max(1, request.offset ?? 1);
  if (from > lines.length && lines.length > 0) {
    return problem(`${request.filepath} has ${lines.length} lines: there is no line ${from}.`);
  }
  const chosen = withinBytes(
    lines.slice(from - 1, from - 1 + (request.limit ?? lines.length)),
    request.bytesMax,
  );
  return {
    ok: true,
    content: chosen.join('\n'),
    fromLine: from,
    toLine: from - 1 + chosen.length,
    totalLines: lines.length,
  };
};

export const writeFile = async (request: { filepath: string; content: string }): Promise<object> => {
  const file = resolvePath(request.filepath);
  try {
    const there = fs.statSync(file, { throwIfNoEntry: false });
    // Opening a FIFO waits for somebody who reads it.
    if (there && !there.isFile() && !there.isDirectory())
      return problem(`${request.filepath} is not a regular file.`);
    if (!there) fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, request.content);
  } catch (error) {
    return problem(`${request.filepath} could not be written: ${reason(error)}.`);
  }
  return { ok: true, lines: request.content.split('\n').length - (request.content.endsWith('\n') ? 1 : 0) };
};

/** Works on bytes, so that what is not touched stays as it is, whatever its encoding. */
export const editFile = async (request: {
  filepath: string;
  old_str: string;
  new_str: string;
}): Promise<object> => {
  if (request.old_str === '') return problem('old_str is empty: to make or replace a whole file, use write.');
  if (request.old_str === request.new_str)
    return problem('old_str and new_str are the same: nothing to change.');
  const bytes = await load(request.filepath);
  if ('ok' in bytes) return bytes;
  const { old, replacement } = inLineEndingsOf(bytes, request);
  const places = occurrences(bytes, old);
  const [place] = places;
  if (place === undefined) return problem(notFound(bytes, request));
  if (places.length > 1) {
    const lines = places.map((at) => lineOf(bytes, at)).join(', ');
    return problem(
      `old_str stands ${places.length} times in ${request.filepath} (lines ${lines}): add lines around it until it is the only one.`,
    );
  }
  const changed = Buffer.concat([bytes.subarray(0, place), replacement, bytes.subarray(place + old.length)]);
  try {
    fs.writeFileSync(resolvePath(request.filepath), changed);
  } catch (error) {
    return problem(`${request.filepath} could not be written: ${reason(error)}.`);
  }
  return { ok: true, line: lineOf(bytes, place) };
};

const fileBytesMax = 32 << 20;

const load = async (filepath: string): Promise<Buffer | Problem> => {
  const file = resolvePath(filepath);
  try {
    const stat = fs.statSync(file);
    if (stat.isDirectory()) return problem(`${filepath} is a directory: use list to see what is in it.`);
    if (!stat.isFile()) return problem(`${filepath} is not a regular file.`);
    if (stat.size > fileBytesMax) {
      return problem(
        `${filepath} has ${stat.size} bytes, more than can be taken at once: use bash (head, sed -n, rg).`,
      );
    }
    return fs.readFileSync(file);
  } catch (error) {
    if (!isMissing(error)) return problem(`${filepath} cannot be read: ${reason(error)}.`);
    const similar = await similarFiles(filepath);
    const hint =
      similar.length > 0 ? ` Did you mean ${similar.join(' or ')}?` : ' Use list to see what is there.';
    return problem(`No file at ${filepath}.${hint}`);
  }
};

const withinBytes = (lines: string[], bytesMax: number): string[] => {
  let left = bytesMax;
  const end = lines.findIndex((line) => {
    left -= Buffer.byteLength(line) + 1;
    return left < 0;
  });
  if (end < 0) return lines;
  // A single giant line is cut rather than hidden: the model must see that something is there.
  return end === 0
    ? [
        Buffer.from(lines[0] ?? '')
          .subarray(0, bytesMax)
          .toString('utf8'),
      ]
    : lines.slice(0, end);
};

/** Models write \n; a file that has only \r\n is meant with its own line ends. */
const inLineEndingsOf = (bytes: Buffer, { old_str, new_str }: { old_str: string; new_str: string }) => {
  const exact = { old: Buffer.from(old_str), replacement: Buffer.from(new_str) };
  if (bytes.includes(exact.old) || old_str.includes('\r') || !bytes.includes('\r\n')) return exact;
  const crlf = (text: string) => Buffer.from(text.replaceAll(/\r?\n/g, '\r\n'));
  return { old: crlf(old_str), replacement: crlf(new_str) };
};

const occurrences = (bytes: Buffer, old: Buffer): number[] => {
  const placesMax = 20;
  const places: number[] = [];
  for (let at = bytes.indexOf(old); at >= 0 && places.length < placesMax; at = bytes.indexOf(old, at + 1)) {
    places.push(at);
  }
  return places;
};

const lineOf = (bytes: Buffer, at: number): number => {
  let line = 1;
  for (let next = bytes.indexOf(10); next >= 0 && next < at; next = bytes.indexOf(10, next + 1)) line++;
  return line;
};

const notFound = (bytes: Buffer, { filepath, old_str }: { filepath: string; old_str: string }): string => {
  const squeeze = (text: string) => text.replaceAll(/\s+/g, ' ').trim();
  const wanted = squeeze(old_str.split('\n').find((line) => line.trim() !== '') ?? '');
  const lines = bytes.toString('utf8').split('\n');
  const near = wanted ? lines.findIndex((line) => squeeze(line).includes(wanted)) : -1;
  if (near < 0) return `old_str is not in ${filepath}: read the file again and copy the text exactly.`;
  return `old_str is not in ${filepath} exactly as given. Its first line is like line ${near + 1}: «${lines[near]}». Compare white space, then try again.`;
};

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
