import { stripVTControlCharacters } from 'node:util';
import type { ErrorCode } from '../domain/errors.ts';
import { beginningOf, oneLine } from '../domain/visible-text.ts';
import { endsInHeading } from './heading.ts';
import { inImperative } from './imperative.ts';

export type Command = { command: string; exitCode: number | null };

/** What the agent has to say about its change; what has changed is not for the agent to say. */
export type AgentAnswer = {
  /** The pull request's title: one line, under 72 characters. */
  title: string;
  /** The pull request's description in Markdown, as the model wrote it; may be empty. */
  description: string;
  /** The beginning of the description, or the title: at most about 600 characters. */
  summary: string;
  /** Every command that the agent ran, in order. */
  commands: readonly Command[];
  /** There when a limit ended the work before the agent was done. */
  incomplete?: { code: ErrorCode; message: string };
  /** The agent was told to come to an end, and did: what it leaves out it was to say. */
  wrappedUp?: true;
};

const titleCharactersMax = 71;
const summaryCharactersMax = 600;

/** Reads the final message: its first line is the title, the rest the description. */
export const createAnswer = (
  finalMessage: string,
  prompt: string,
  commands: readonly Command[],
): AgentAnswer => {
  const text = finalMessage.trim();
  const [firstLine = ''] = text.split('\n', 1);
  const written = cleanTitle(firstLine);
  // A first line that is no title, or too long for one, is not lost: it begins the description.
  const isTitle = written !== '' && !isTalk(written);
  const isWhole = isTitle && written.length <= titleCharactersMax;
  const description = (isWhole ? text.slice(firstLine.length) : text).trim();
  const title = cut(isTitle ? written : titleFromPrompt(prompt), titleCharactersMax);
  return { title, description, summary: summaryOf(description) || title, commands };
};

/** Without Markdown's marks and «Title:», in one line, without what is invisible or turns the text around. */
const cleanTitle = (line: string): string => {
  const bare = oneLine(stripVTControlCharacters(line))
    .replace(silencers, '')
    .trim()
    .replace(/^#{1,6} /, '')
    .replace(/^[*_]{0,2}(?:pull request |PR )?title(?::[*_]{0,2}|[*_]{0,2}:) ?/i, '')
    .replace(/^\*\*((?:(?!\*\*).)+)\*\*$/, '$1')
    .replace(/^["'`«“]([^"'`«»“”]+)["'`»”]$/, '$1')
    .replace(/(?<!\.)\.$/, '')
    .trim();
  if (!/[\p{L}\p{N}]/u.test(bare) || /^(?:```|~~~)/.test(bare)) return '';
  return inImperative(bare.charAt(0).toUpperCase() + bare.slice(1));
};

/** With one of these in a commit's message GitHub runs no check. Source: GitHub Docs, «Skipping workflow runs». */
const silencers = /\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]|\*{3}NO_CI\*{3}/gi;

/** How models begin when they talk to somebody instead of giving a title. */
const isTalk = (line: string): boolean =>
  /^(?:I|I['’]ve|I['’]m|we|done|all done|okay|ok|sure|great|perfect|here(?:['’]s| is| are)?|the (?:work|change|changes|task|job|implementation) (?:is|are|has|have))(?![\p{L}\p{N}'’-])/iu.test(
    line,
  );

const titleFromPrompt = (prompt: string): string => {
  const line = prompt.split('\n').find((candidate) => cleanTitle(candidate) !== '');
  return line === undefined ? 'Change what the job asks for' : cleanTitle(line);
};

/** As many paragraphs from the beginning as fit, at least the first, without a heading at the end. */
const summaryOf = (description: string): string => {
  const paragraphs = description.split(/\n[ \t]*\n/);
  const fitting = paragraphs.slice(0, 1);
  for (const paragraph of paragraphs.slice(1)) {
    if ([...fitting, paragraph].join('\n\n').length > summaryCharactersMax) break;
    fitting.push(paragraph);
  }
  while (fitting.length > 1 && fitting.length < paragraphs.length && endsInHeading(fitting.at(-1) ?? '')) {
    fitting.pop();
  }
  return cut(fitting.join('\n\n'), summaryCharactersMax);
};

/** At the end of a word, with an ellipsis that counts. */
export const cut = (text: string, charactersMax: number): string => {
  if (text.length <= charactersMax) return text;
  const start = beginningOf(text, charactersMax - 1);
  const space = start.lastIndexOf(' ');
  return `${(space > charactersMax / 2 ? start.slice(0, space) : start).trimEnd()}…`;
};
