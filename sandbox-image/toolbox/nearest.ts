import { diffOf } from './line-diff.ts';
import { comparable, findAlike, findSame, type Place } from './similar-lines.ts';

/**
 * Tells a model why its text is not in a file: where the file is most like it, and what differs. At most about two
 * kilobytes, in bounded time.
 */
export const describeNearest = (content: string, wanted: string, filepath: string): string => {
  const slip = slips.find(({ mend }) => isMended(content, wanted, mend(wanted)));
  if (slip) return `old_str is not in ${filepath}, ${slip.advice}`;
  const { lines, wantedLines } = withoutCommonLineEnds(content, wanted);
  const old = withoutBlankEnds(wantedLines);
  if (old.length === 0) return `old_str is white space that is not in ${filepath}: take text around it.`;
  if (old.length > oldLinesMax) {
    return `old_str is not in ${filepath}. It has ${old.length} lines: replace less at once, in several edits.`;
  }
  const deadline = performance.now() + searchMs;
  const oldKeys = comparable(old, deadline);
  const keys = comparable(lines, deadline);
  const same = findSame(lines, keys, old, oldKeys, deadline);
  if (same) {
    const shown = lines.slice(same.start, same.start + old.length);
    return `old_str is not in ${filepath} exactly as given, but ${linesOf(same)} ${differ(same)} only in ${same.in}${details(shown, old, same)}. ${show(shown, old)}`;
  }
  const alike = findAlike(keys, oldKeys, deadline);
  if (!alike) {
    const isLate = performance.now() > deadline;
    const found = isLate
      ? 'and it takes too long to look for what is like it'
      : 'and nothing in it is like it';
    return `old_str is not in ${filepath}, ${found}: read the file again, or search for a word of it.`;
  }
  const shown = lines.slice(alike.start, alike.start + alike.count);
  return `old_str is not in ${filepath}. Most like it ${alike.count === 1 ? 'is' : 'are'} ${linesOf(alike)}. ${show(shown, old)}`;
};

const searchMs = 1000;
const oldLinesMax = 2000;

/** What models do to a text that they copy, and how to undo it. */
const slips: { mend: (text: string) => string; advice: string }[] = [
  {
    mend: (text) => (/^(?:\s*\d+\t.*(?:\n|$))+$/.test(text) ? text.replaceAll(/^\s*\d+\t/gm, '') : text),
    advice:
      'but without the line numbers that read puts before each line it is: leave them and their tab out.',
  },
  {
    mend: (text) => text.replaceAll(/\\([nt"'`\\])/g, (_, letter: string) => escapes[letter] ?? letter),
    advice: 'but with \\n, \\t, \\" and the like as what they stand for it is: do not escape the text.',
  },
  {
    mend: (text) => text.replaceAll(/&(lt|gt|amp|quot|#39);/g, (_, name: string) => entities[name] ?? ''),
    advice: 'but with <, > and & for &lt;, &gt; and &amp; it is: give the characters as they are.',
  },
];

const escapes: Record<string, string> = { n: '\n', t: '\t' };
const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', '#39': "'" };

const isMended = (content: string, wanted: string, mended: string): boolean =>
  mended !== wanted && mended.trim() !== '' && content.includes(mended);

/** In a file with one kind of line ends they are not what is wrong. */
const withoutCommonLineEnds = (content: string, wanted: string) => {
  const lines = content.split('\n');
  const wantedLines = wanted.split('\n');
  const isUniform = lines.every((line, index) => line.endsWith('\r') || index === lines.length - 1);
  if (!isUniform) return { lines, wantedLines };
  const bare = (line: string) => line.replace(/\r$/, '');
  return { lines: lines.map(bare), wantedLines: wantedLines.map(bare) };
};

const withoutBlankEnds = (lines: string[]): string[] => {
  const isText = (line: string) => line.trim() !== '';
  const from = lines.findIndex(isText);
  return from < 0 ? [] : lines.slice(from, lines.findLastIndex(isText) + 1);
};

const linesOf = ({ start, count }: Place): string =>
  count === 1 ? `line ${start + 1}` : `lines ${start + 1} to ${start + count}`;

const differ = ({ count }: Place): string => (count === 1 ? 'differs' : 'differ');

const show = (shown: string[], old: string[]): string =>
  `Copy the text as it is there. From old_str (-) to the file (+):\n${diffOf(old, shown)}`;

/** White space is not seen: it is said in words, for the first lines that differ. */
const details = (
  shown: string[],
  old: string[],
  { start, in: what }: { start: number; in: string },
): string => {
  const part = whiteSpaceParts[what];
  if (part === undefined) return '';
  const told = shown.flatMap((line, index) => {
    const [there, here] = [part.of(line), part.of(old[index] ?? '')];
    return there === here
      ? []
      : [`line ${start + index + 1} ${part.verb} ${inWords(there)}, in old_str ${inWords(here)}`];
  });
  const others = told.length > detailsMax ? '; and so on' : '';
  return told.length === 0 ? '' : ` (${told.slice(0, detailsMax).join('; ')}${others})`;
};

const detailsMax = 3;

const atEnd = { verb: 'ends with', of: (line: string) => line.slice(line.trimEnd().length) };
const whiteSpaceParts: Record<string, { verb: string; of: (line: string) => string }> = {
  'line ends': atEnd,
  'white space at line ends': atEnd,
  indentation: { verb: 'begins with', of: (line) => line.slice(0, line.length - line.trimStart().length) },
};

/** `4 spaces`, `1 tab and 2 spaces`. */
const inWords = (whiteSpace: string): string => {
  const runs = whiteSpace.match(/ +|\t+|\r+|[^ \t\r]+/g) ?? [];
  if (runs.length === 0) return 'nothing';
  return runs.map((run) => `${run.length} ${nameOf(run[0])}${run.length === 1 ? '' : 's'}`).join(' and ');
};

const nameOf = (character: string | undefined): string => {
  if (character === ' ') return 'space';
  if (character === '\t') return 'tab';
  return character === '\r' ? 'carriage return' : 'other blank';
};
