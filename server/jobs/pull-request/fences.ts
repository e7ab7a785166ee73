import { cut } from '../../domain/visible-text.ts';
import { cutMark } from './markdown.ts';

/**
 * Puts every code block of a hostile text to the left margin, with fences that nothing inside can end, and ends each. In
 * Markdown a block that begins within a list ends with the list, and what was to be its end begins another one: so an
 * agent, by order or by mistake, could make a code block of all that stands below its own words.
 */
export const separateFences = (text: string): string => {
  const lines = text.split('\n');
  const separated: string[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const opening = openingOf(lines[at] ?? '');
    if (opening === undefined) {
      separated.push(lines[at] ?? '');
      continue;
    }
    const rest = lines.slice(at + 1);
    const length = rest.findIndex((line) => isEnd(line, opening.fence));
    const content = length < 0 ? rest : rest.slice(0, length);
    if (opening.marker !== '') separated.push(opening.marker);
    separated.push(...block(opening.info, content));
    at += content.length + (length < 0 ? 0 : 1);
  }
  return separated.join('\n');
};

/** The same in at most so many characters: what is too long loses its end. */
export const fitFences = (text: string, charactersMax: number): string => {
  for (let max = charactersMax; ; max = Math.floor(max * 0.8)) {
    const fitting = separateFences(cut(text, max, cutMark));
    if (fitting.length <= charactersMax) return fitting;
  }
};

type Opening = { marker: string; fence: string; info: string };

/** Behind the signs of lists and quotations, in any depth. Source: CommonMark 0.31, «Fenced code blocks». */
const openingOf = (line: string): Opening | undefined => {
  const [, before = '', fence, info = ''] =
    /^((?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t])*)(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
  if (fence === undefined || (fence.startsWith('`') && info.includes('`'))) return undefined;
  const marker = before.replaceAll('>', '').trim();
  return { marker, fence, info: /^[\w+#.-]{1,20}/.exec(info.trim())?.[0] ?? '' };
};

const isEnd = (line: string, fence: string): boolean => {
  const bare = line.replace(/^[ \t>]+/, '').trimEnd();
  return bare.startsWith(fence) && bare === bare.charAt(0).repeat(bare.length);
};

const block = (info: string, content: readonly string[]): string[] => {
  const runs = content.flatMap((line) => line.match(/`{3,}/g) ?? []).map(({ length }) => length);
  const fence = '`'.repeat(Math.max(2, ...runs) + 1);
  const indents = content
    .filter((line) => line.trim() !== '')
    .map((line) => /^ */.exec(line)?.[0].length ?? 0);
  const indent = Math.min(...indents, Number.MAX_SAFE_INTEGER);
  return [`${fence}${info}`, ...content.map((line) => line.slice(Math.min(indent, line.length))), fence];
};
