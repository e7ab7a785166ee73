import { stripVTControlCharacters } from 'node:util';
import { cut, endOf, withoutHidden } from '../../domain/visible-text.ts';

/**
 * Without HTML, without images (an image's address can carry data out when a reviewer opens the page), and without
 * mentions, which would send mail to people. Nobody needs the marks of a code block more than ten times.
 */
export const cleanMarkdown = (text: string): string =>
  withoutMentions(withoutCodedLetters(withoutHidden(text)).replaceAll(tagStart, '&lt;'))
    .replaceAll('![', '! [')
    .replaceAll(/(`|~)\1{10,}/g, (run) => run.slice(0, 10));

/**
 * HTML's codes for letters, digits and the marks of a name are shown as codes: spelled so, a mention or a reference would
 * be one all the same.
 */
const withoutCodedLetters = (text: string): string =>
  text.replaceAll(
    /&(?=(?:#(\d{1,8})|#x([\da-f]{1,8})|num|commat|sol|colon);)/gi,
    (_, decimal, hexadecimal) => {
      const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '23', 16) : Number(decimal);
      const isPlain = code < 128 && /[\w#@/:.-]/.test(String.fromCharCode(code));
      return isPlain ? `&${zeroWidthSpace}` : '&';
    },
  );

/** Only what can begin a tag, a comment or an instruction: `a < b` stays readable in code, too. */
const tagStart = /<(?=[a-z/!?])/gi;

/**
 * In code GitHub makes no mention of an `@`, and there it must stay what it is. Where this takes something for code
 * that is none, somebody gets a mail: no more depends on it.
 */
const withoutMentions = (text: string): string =>
  text.replaceAll(/```[\s\S]*?```|`[^`\n]*`|(?<!\w)@(?=\w)/g, (found) =>
    found === '@' ? `@${zeroWidthSpace}` : found,
  );

/** Breaks a word for GitHub, and for nobody who reads it. */
export const zeroWidthSpace = '\u200b';

/** The first line, as code that cannot end before its end. */
export const codeSpan = (text: string, charactersMax: number): string =>
  `\`${firstLine(text, charactersMax).replaceAll('`', 'ˋ')}\``;

/** The same for a cell of a table, where only a backslash keeps a bar from ending it. */
export const codeCell = (text: string, charactersMax: number): string =>
  escapedBars(codeSpan(text, charactersMax));

/** A sentence that may quote somebody else, for a cell of a table. */
export const textCell = (text: string, charactersMax: number): string =>
  escapedBars(sentence(text, charactersMax));

const escapedBars = (text: string): string => text.replaceAll('|', '\\|');

/** A sentence that may quote somebody else, in one line. */
export const sentence = (text: string, charactersMax: number): string =>
  cleanMarkdown(firstLine(text, charactersMax));

/** What a command printed, its end if it is too long: as a block of code that no line of it can end. */
export const fenced = (output: string, charactersMax: number): string => {
  const text = withoutHidden(stripVTControlCharacters(output).replaceAll(/\r\n?/g, '\n')).trimEnd();
  const shown = text.length <= charactersMax ? text : `…\n${lastLines(endOf(text, charactersMax))}`;
  const short = shown.replaceAll(/`{10,}/g, '`'.repeat(10));
  const longest = Math.max(2, ...(short.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${short}\n${fence}`;
};

/** Without what is left of the line that the cut went through, when there are others. */
const lastLines = (text: string): string => {
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(end + 1);
};

/** For the one place where GitHub reads no Markdown: the line that opens a folded part. */
export const folded = (summary: string, content: string): string =>
  `<details><summary>${summary}</summary>\n\n${content}\n\n</details>`;

export const htmlCode = (text: string, charactersMax: number): string => {
  const escaped = firstLine(text, charactersMax).replaceAll(
    /[&<>"']/g,
    (character) => `&#${character.charCodeAt(0)};`,
  );
  return `<code>${escaped}</code>`;
};

const firstLine = (text: string, charactersMax: number): string => {
  const start = withoutHidden(text.slice(0, charactersReadMax)).trim();
  const end = start.indexOf('\n');
  const line = end < 0 ? start : `${start.slice(0, end)} …`;
  return cut(line.replaceAll('\t', ' '), charactersMax, cutMark);
};

/** What is shown in one line is far shorter, and there are thousands of such texts. */
const charactersReadMax = 2_000;

/** Apart from the last word, which a closing mark or an address may end. */
export const cutMark = ' …';

/** The first lines, and how many more there are: a list that nobody can make endless. */
export const list = (lines: readonly string[], linesMax: number): string => {
  const shown: string[] = [];
  let characters = 0;
  for (const line of lines.slice(0, linesMax)) {
    characters += line.length;
    if (characters > listCharactersMax) break;
    shown.push(`- ${line}`);
  }
  const more = lines.length - shown.length;
  return [...shown, ...(more > 0 ? [`- … and ${more} more`] : [])].join('\n');
};

const listCharactersMax = 5_000;
