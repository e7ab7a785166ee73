import fs from 'node:fs';
import path from 'node:path';
import { loadFile, notWritten } from './load-file.ts';
import { problem, resolvePath } from './workspace.ts';

export const readFile = async (request: {
  filepath: string;
  offset?: number;
  limit?: number;
  bytesMax: number;
}): Promise<object> => {
  const { filepath } = request;
  const bytes = await loadFile(filepath);
  if ('ok' in bytes) return bytes;
  if (bytes.subarray(0, bytesLookedAt).includes(0)) return problem(notText(filepath, bytes));
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const from = Math.max(1, request.offset ?? 1);
  if (from > lines.length && lines.length > 0) {
    const count = lines.length === 1 ? '1 line' : `${lines.length} lines`;
    return problem(`${filepath} has ${count}: there is no line ${from}. Choose an offset within them.`);
  }
  const wanted = lines.slice(from - 1, from - 1 + (request.limit ?? lines.length));
  const chosen = withinBytes(
    wanted.map((line) => line.replace(/\r$/, '')),
    request.bytesMax,
  );
  const notes = notesOf(bytes, text, wanted);
  return {
    ok: true,
    content: chosen.join('\n'),
    fromLine: from,
    toLine: from - 1 + chosen.length,
    totalLines: lines.length,
    ...(notes.length > 0 && { notes }),
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
    return notWritten(request.filepath, error);
  }
  return { ok: true, lines: request.content.split('\n').length - (request.content.endsWith('\n') ? 1 : 0) };
};

const bytesLookedAt = 8192;

const notText = (filepath: string, bytes: Buffer): string => {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  return isUtf16
    ? `${filepath} is UTF-16 text, which the file tools do not take: use bash (iconv -f UTF-16 -t UTF-8).`
    : `${filepath} is a binary file (${bytes.length} bytes): it cannot be shown as text. bash (file, xxd | head) tells more.`;
};

/** What is not seen in the lines, but matters for whoever changes them. */
const notesOf = (bytes: Buffer, text: string, lines: readonly string[]): string[] => {
  const crlf = lines.filter((line) => line.endsWith('\r')).length;
  // The last line may have no end.
  const areAll = crlf >= lines.length - 1;
  return [
    ...(bytes.length - Buffer.byteLength(text) === 3 && bytes[0] === 0xef
      ? ['the file begins with a byte order mark, which edit keeps and write does not']
      : []),
    ...(crlf > 0
      ? [`${areAll ? 'the lines end' : `${crlf} of these lines end`} with \\r\\n; edit keeps that`]
      : []),
    ...(text.includes('\uFFFD') && !bytes.includes('\uFFFD')
      ? ['what is shown as \uFFFD is not UTF-8; edit keeps it where you do not touch it']
      : []),
  ];
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
