import { z } from 'zod';
import { given } from '../../domain/given.ts';
import type { Sandbox, SearchMatch } from '../../domain/sandbox.ts';
import type { Tool } from '../../domain/tool.ts';
import { cut } from '../../domain/visible-text.ts';
import type { AgentLimits } from '../limits.ts';
import { defineTool } from './define-tool.ts';
import { directoryInput, globInput, patternInput } from './inputs.ts';

const contextLinesMax = 20;

export const createSearchTool = (
  sandbox: Pick<Sandbox, 'search'>,
  { matchesMax }: Pick<AgentLimits, 'matchesMax'>,
): Tool =>
  defineTool({
    name: 'search',
    description:
      'Searches file contents with a ripgrep regular expression; every match comes as path:line:text. Hidden ' +
      'files are included; .git and what .gitignore names are not.',
    isReadOnly: true,
    input: z.strictObject({
      pattern: patternInput.describe(
        'regular expression in the syntax of ripgrep; with \\n in it, it goes over several lines',
      ),
      path: directoryInput,
      glob: globInput,
      literal: z.boolean().optional().describe('true: the pattern is a text, no regular expression'),
      ignore_case: z.boolean().optional(),
      context: z
        .number()
        .int()
        .min(0)
        .max(contextLinesMax)
        .optional()
        .describe('lines to show before and after each match, as path-line-text'),
      files_only: z.boolean().optional().describe('true: only the paths of the files that match'),
    }),
    run: async (input, callId, signal) => {
      const { pattern, path, glob, literal, context, ignore_case, files_only } = input;
      const where = given({ path });
      const options = given({ glob, literal, context, ignoreCase: ignore_case, filesOnly: files_only });
      const reply = await sandbox.search({ pattern, ...where, ...options, matchesMax }, signal);
      const fact = { type: 'Tool: Search', pattern, ...where, callId } as const;
      if (!reply.ok) {
        const { message } = reply;
        return { content: message, isError: true, fact: { ...fact, matches: 0, error: message } };
      }
      const { matches, more, hint } = reply;
      const lines = files_only ? matches.map((match) => match.path) : inLines(matches, (context ?? 0) > 0);
      const note = more ? [`[there are more than ${matchesMax} ${inWords(input)}: ${narrower(input)}]`] : [];
      const none =
        matches.length === 0 ? [hint === undefined ? '[no matches]' : `[no matches; ${hint}]`] : [];
      const content = [...lines, ...note, ...none].join('\n');
      const found = matches.filter(({ isContext }) => !isContext).length;
      return { content, isError: false, fact: { ...fact, matches: found } };
    },
  });

type Options = { context?: number | undefined; files_only?: boolean | undefined };

const inWords = ({ context, files_only }: Options): string => {
  if (files_only) return 'files';
  return context ? 'lines' : 'matches';
};

const narrower = ({ files_only }: Options): string =>
  files_only ? 'narrow the search with path or glob' : 'narrow the search, or set files_only';

/** A match in a minified file must not cost the model a thousand tokens. */
const textCharactersMax = 400;

/** One line each; where there is context, another one in each gap. */
const inLines = (matches: readonly SearchMatch[], hasContext: boolean): string[] =>
  matches.flatMap((match, index) => {
    const before = matches[index - 1];
    const isNext = before === undefined || (before.path === match.path && before.line === match.line - 1);
    return [...(hasContext && !isNext ? ['--'] : []), inOneLine(match)];
  });

const inOneLine = ({ path, line, text, isContext }: SearchMatch): string => {
  const mark = isContext ? '-' : ':';
  return `${path}${mark}${line}${mark}${cut(text, textCharactersMax)}`;
};
