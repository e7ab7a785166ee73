import { parseDocument } from 'yaml';
import { commandProblem, commandsMax, imageName } from '../../domain/checks/command-rules.ts';
import { settingsPath } from './find-files.ts';
import { shown } from './shown.ts';

/** What the repository’s .backspace.yml says; a key that it does not have, or not as it should be, is missing. */
export type RepositorySettings = {
  checks?: readonly string[];
  setup?: readonly string[];
  image?: string;
  /** What could not be used, and why. */
  notes: readonly string[];
};

const bytesMax = 32 * 1024;
/**
 * ✓ yaml 2.9 takes three minutes for 64 KB of `{`, and seconds for a hundred `? ` before something else, in the server's
 * one thread. A list of commands needs few of the first, and none of the second.
 */
const bracketsMax = 100;
const questionMarksMax = 20;
const aliasesMax = 20;
const notesMax = 8;

/** Never throws: what is wrong with the file is told in its notes, and all of a list counts or nothing. */
export const parseBackspaceYml = (text: string): RepositorySettings => {
  const parsed = parse(text);
  if ('problem' in parsed) return { notes: [`${settingsPath} cannot be used: ${parsed.problem}.`] };
  const { checks, setup, image, ...others } = parsed.values;
  const notes: string[] = [...parsed.notes];
  const wrong = (key: string, problem: string) => {
    notes.push(`${settingsPath}: ${key} ${problem}.`);
    return undefined;
  };
  for (const key of Object.keys(others)) wrong(shown(key), 'is not a key of this file');
  const commands = (key: string, value: unknown): readonly string[] | undefined => {
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) return wrong(key, 'must be a list of shell commands');
    if (value.length > commandsMax) return wrong(key, `must not have more than ${commandsMax} commands`);
    for (const [index, command] of value.entries()) {
      const problem = typeof command === 'string' ? commandProblem(command) : 'must be a string';
      if (problem !== undefined) return wrong(`${key}[${index}]`, problem);
    }
    return value;
  };
  const name = (value: unknown): string | undefined => {
    if (value === undefined) return undefined;
    if (typeof value === 'string' && imageName.test(value)) return value;
    return wrong('image', 'must be the name of one of the server’s images');
  };
  const settings = {
    checks: commands('checks', checks),
    setup: commands('setup', setup),
    image: name(image),
  };
  return {
    ...(settings.checks && { checks: settings.checks }),
    ...(settings.setup && { setup: settings.setup }),
    ...(settings.image !== undefined && { image: settings.image }),
    notes:
      notes.length <= notesMax ? notes : [...notes.slice(0, notesMax), 'And more that is wrong with it.'],
  };
};

type Parsed = { values: Record<string, unknown>; notes: string[] } | { problem: string };

const parse = (text: string): Parsed => {
  if (Buffer.byteLength(text) > bytesMax) return { problem: `it is larger than ${bytesMax / 1024} KB` };
  const isDeep = countOf(/[{[]/g, text) > bracketsMax || countOf(/\?/g, text) > questionMarksMax;
  if (isDeep) return { problem: 'it has too many brackets or question marks' };
  try {
    // Keys are not compared with each other, which takes as long as they are many squared: the last one counts.
    const options = {
      schema: 'core',
      resolveKnownTags: false,
      uniqueKeys: false,
      logLevel: 'error',
    } as const;
    const document = parseDocument(text, { ...options, prettyErrors: false });
    const [error] = document.errors;
    if (error !== undefined) {
      const line = text.slice(0, error.pos[0]).split('\n').length;
      return { problem: `it is no YAML, by its line ${line}: ${shown(firstLine(error.message), 160)}` };
    }
    const values: unknown = document.toJS({ maxAliasCount: aliasesMax });
    if (values === null || values === undefined) return { values: {}, notes: [] };
    if (typeof values !== 'object' || Array.isArray(values))
      return { problem: 'it must have keys and values' };
    const notes = document.warnings.length > 0 ? [`${settingsPath}: tags have no meaning in it.`] : [];
    return { values: values as Record<string, unknown>, notes };
  } catch (thrown) {
    const why = thrown instanceof Error ? firstLine(thrown.message) : '';
    return { problem: `it cannot be read as YAML (${shown(why, 160)})` };
  }
};

const countOf = (what: RegExp, text: string): number => text.match(what)?.length ?? 0;
const firstLine = (text: string): string => text.split('\n', 1)[0]?.replace(/[:.]$/, '') ?? '';
