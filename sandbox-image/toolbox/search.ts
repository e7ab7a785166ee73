import { tidy, type Where, whereOf, whyNoFiles } from './find.ts';
import { hintMs, ripgrep, tooLate } from './ripgrep.ts';
import { problem } from './workspace.ts';

type SearchRequest = {
  pattern: string;
  path?: string;
  glob?: string;
  literal?: boolean;
  ignoreCase?: boolean;
  /** Lines before and after each match. */
  context?: number;
  /** The first match of each file only. */
  filesOnly?: boolean;
  /** Of matches and the lines around them together. */
  matchesMax: number;
};

type Line = { path: string; line: number; text: string; isContext?: true };

export const searchFiles = async (request: SearchRequest): Promise<object> => {
  const where = await whereOf(request);
  if ('ok' in where) return where;
  const found = await search(request, where);
  if ('ok' in found) return problem(withAdvice(found.message));
  const { lines } = found;
  if (lines.length === 0 && found.isLate) return tooLate;
  const hint = lines.length === 0 ? await whyNoMatches(request, where) : undefined;
  return {
    ok: true,
    matches: lines.slice(0, request.matchesMax),
    more: found.isCut,
    ...(hint !== undefined && { hint }),
  };
};

const search = async (
  request: SearchRequest,
  { directory, isMeant, narrowing }: Where,
  { orElse = [], timeoutMs }: { orElse?: string[]; timeoutMs?: number } = {},
) => {
  const lines: Line[] = [];
  const patterns = [request.pattern, ...orElse].flatMap((pattern) => ['--regexp', pattern]);
  const args = [...shape, ...narrowing, ...optionsOf(request), ...patterns, '--', directory || '.'];
  const take = (item: string): boolean => {
    const line = lineOf(item);
    if (!line || !isMeant(line.path)) return true;
    // Of a match over several lines each is told, and one is enough.
    if (request.filesOnly && lines.at(-1)?.path === line.path) return true;
    lines.push(line);
    return lines.length <= request.matchesMax;
  };
  const found = await ripgrep(args, '\n', take, timeoutMs);
  return 'ok' in found ? found : { ...found, lines };
};

const shape = [
  // A line that ends with \r\n ends before the \r.
  ...['--line-number', '--no-heading', '--with-filename', '--null', '--crlf'],
  ...['--max-columns', '400', '--max-columns-preview'],
];

const optionsOf = ({ pattern, literal, ignoreCase, context, filesOnly }: SearchRequest): string[] => [
  ...(literal ? ['--fixed-strings'] : []),
  ...(ignoreCase ? ['--ignore-case'] : []),
  ...(context && !filesOnly ? ['--context', String(context)] : []),
  ...(filesOnly ? ['--max-count', '1'] : []),
  ...(pattern.includes('\n') || (!literal && /(?<!\\)(?:\\\\)*\\n/.test(pattern)) ? ['--multiline'] : []),
  // Look-around and references back, which ripgrep's own engine has not.
  ...(!literal && /\(\?<?[=!]|\\[1-9]/.test(pattern) ? ['--pcre2'] : []),
];

/** `path NUL line:text` for a match, `path NUL line-text` for what stands around it. */
const lineOf = (item: string): Line | undefined => {
  const [, file, number, mark, text] = /^([^\0]*)\0(\d+)([:-])(.*)$/s.exec(item) ?? [];
  if (!file || !number) return undefined;
  const line = { path: tidy(file), line: Number(number), text: (text ?? '').replace(/\r$/, '') };
  return mark === '-' ? { ...line, isContext: true } : line;
};

const withAdvice = (message: string): string =>
  message === ''
    ? 'Nothing could be searched there: look with list or bash.'
    : `${message}\nMend the regular expression; to find the text as it is, set literal to true.`;

/** In words for the model: what would have been found. */
const whyNoMatches = async (request: SearchRequest, where: Where): Promise<string | undefined> => {
  const noFiles = await whyNoFiles(request, where);
  if (noFiles !== undefined) return noFiles;
  const { pattern, literal, ignoreCase } = request;
  const text = pattern.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const orElse = literal || text === pattern ? [] : [text];
  if (ignoreCase && orElse.length === 0) return undefined;
  const wider = { ...request, ignoreCase: true, context: 0, matchesMax: 1 };
  const found = await search(wider, where, { orElse, timeoutMs: hintMs });
  const first = 'ok' in found ? undefined : found.lines[0];
  if (!first) return undefined;
  const isText = orElse.length > 0 && first.text.toLowerCase().includes(pattern.toLowerCase());
  const isOtherCase = !ignoreCase && !(isText && first.text.includes(pattern));
  const options = [...(isText ? ['literal'] : []), ...(isOtherCase ? ['ignore_case'] : [])];
  return `with ${options.join(' and ')} set there is ${first.path}:${first.line}`;
};
