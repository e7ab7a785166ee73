import fs from 'node:fs';
import { fileBytesMax, loadFile, notWritten } from './load-file.ts';
import { describeNearest } from './nearest.ts';
import { type Problem, problem, resolvePath } from './workspace.ts';

type Edit = { old_str: string; new_str: string; replace_all?: boolean };

/** Offsets in what an edit was made on, each of a text of `oldBytes` bytes; it became `bytes`. */
type Made = { bytes: Buffer; places: number[]; growth: number };

/**
 * Makes the edits in their order, each on what the one before has left; if one does not fit, the file stays as it was.
 * Works on bytes, so that what is not touched stays as it is, whatever its encoding.
 */
export const editFile = async ({ filepath, edits }: { filepath: string; edits: Edit[] }): Promise<object> => {
  const loaded = await loadFile(filepath);
  if ('ok' in loaded) return loaded;
  let bytes = loaded;
  const done: { at: number; places: number }[] = [];
  for (const [index, edit] of edits.entries()) {
    const made = makeEdit(bytes, edit, filepath);
    if ('ok' in made) {
      const isGone = index > 0 && loaded.includes(edit.old_str) && !bytes.includes(edit.old_str);
      const why = isGone ? changedBefore : made.message;
      const end = index === 0 ? noneMade : noneMadeBefore;
      const message = edits.length === 1 ? why : `Edit ${index + 1} of ${edits.length}: ${why}${end}`;
      return { ...problem(message), edit: index };
    }
    for (const earlier of done) {
      earlier.at += made.growth * made.places.filter((place) => place < earlier.at).length;
    }
    done.push({ at: made.places[0] ?? 0, places: made.places.length });
    bytes = made.bytes;
  }
  try {
    fs.writeFileSync(resolvePath(filepath), bytes);
  } catch (error) {
    return notWritten(filepath, error);
  }
  return { ok: true, edits: done.map(({ at, places }) => ({ line: lineOf(bytes, at), places })) };
};

const changedBefore =
  'old_str was in the file, but an edit before it has changed that place: the edits are made in order, each on what ' +
  'the one before has left.';
const noneMade = '\nNone of the edits was made.';
const noneMadeBefore = `${noneMade} Lines are counted as if those before this one were.`;

const placesMax = 10_000;
const linesShownMax = 20;

const makeEdit = (bytes: Buffer, edit: Edit, filepath: string): Made | Problem => {
  if (edit.old_str === '') return problem('old_str is empty: to make or replace a whole file, use write.');
  if (edit.old_str === edit.new_str) return problem('old_str and new_str are the same: nothing to change.');
  const { old, replacement } = inLineEndingsOf(bytes, edit);
  const step = edit.replace_all ? old.length : 1;
  const places = occurrences(bytes, old, step);
  if (places.length === 0) return problem(describeNearest(bytes.toString('utf8'), edit.old_str, filepath));
  if (places.length > 1 && !edit.replace_all) return problem(notUnique(bytes, places, filepath));
  const growth = replacement.length - old.length;
  if (places.length > placesMax || bytes.length + places.length * growth > fileBytesMax) {
    return problem(`That would be too much for one edit of ${filepath}: use bash (sed, python3).`);
  }
  return { bytes: replaced(bytes, places, old.length, replacement), places, growth };
};

const replaced = (bytes: Buffer, places: number[], oldBytes: number, replacement: Buffer): Buffer => {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const place of places) {
    pieces.push(bytes.subarray(from, place), replacement);
    from = place + oldBytes;
  }
  return Buffer.concat([...pieces, bytes.subarray(from)]);
};

/** Models write \n, or \r\n where they have seen it; a file that has only one of them is meant with its own. */
const inLineEndingsOf = (bytes: Buffer, { old_str, new_str }: Edit) => {
  const exact = { old: Buffer.from(old_str), replacement: Buffer.from(new_str) };
  const hasCrlf = bytes.includes('\r\n');
  if (hasCrlf === old_str.includes('\r\n') || bytes.includes(exact.old)) return exact;
  const lineEnd = hasCrlf ? '\r\n' : '\n';
  const adapt = (text: string) => Buffer.from(text.replaceAll(/\r?\n/g, lineEnd));
  return { old: adapt(old_str), replacement: adapt(new_str) };
};

/** One more than an edit may have is enough to know. */
const occurrences = (bytes: Buffer, old: Buffer, step: number): number[] => {
  const places: number[] = [];
  for (
    let at = bytes.indexOf(old);
    at >= 0 && places.length <= placesMax;
    at = bytes.indexOf(old, at + step)
  ) {
    places.push(at);
  }
  return places;
};

const notUnique = (bytes: Buffer, places: number[], filepath: string): string => {
  const lines = new Set(places.slice(0, linesShownMax).map((at) => lineOf(bytes, at)));
  const times = places.length > placesMax ? `more than ${placesMax}` : String(places.length);
  const others = places.length > linesShownMax ? ', …' : '';
  return (
    `old_str stands ${times} times in ${filepath} (lines ${[...lines].join(', ')}${others}): add lines around it until ` +
    `it is the only one, or set replace_all to change it everywhere.`
  );
};

const lineOf = (bytes: Buffer, at: number): number => {
  let line = 1;
  for (let next = bytes.indexOf(10); next >= 0 && next < at; next = bytes.indexOf(10, next + 1)) line++;
  return line;
};
