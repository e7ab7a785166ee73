import { z } from 'zod';
import type { Sandbox, SearchMatch } from '../../domain/sandbox.ts';
import type { Tool } from '../../domain/tool.ts';
import type { AgentLimits } from '../limits.ts';
import { defineTool } from './define-tool.ts';
import { directoryInput, globInput, patternInput } from './inputs.ts';

export const createSearchTool = (
  sandbox: Pick<Sandbox, 'search'>,
  { matchesMax }: Pick<AgentLimits, 'matchesMax'>,
): Tool =>
  defineTool({
    name: 'search',
    description:
      'Searches file contents with a ripgrep regular expression; every match comes as path:line:text. Hidden ' +
      'files are included; .git and what .gitignore names are not.',
    input: z.strictObject({
      pattern: patternInput.describe(
        'regular expression in the syntax of ripgrep; escape what is meant as text',
      ),
      path: directoryInput,
      glob: globInput,
    }),
    run: async ({ pattern, path, glob }, callId, signal) => {
      const where = path === undefined ? {} : { path };
      const narrowed = glob === undefined ? {} : { glob };
      const reply = await sandbox.search({ pattern, ...where, ...narrowed, matchesMax }, signal);
      const fact = { type: 'Tool: Search', pattern, ...where, callId } as const;
      if (!reply.ok) {
        const { message } = reply;
        return { content: message, isError: true, fact: { ...fact, matches: 0, error: message } };
      }
      const { matches, more } = reply;
      const note = more ? [`[there are more than ${matchesMax} matches: narrow the search]`] : [];
      const none = matches.length === 0 ? ['[no matches]'] : [];
      const content = [...matches.map(inOneLine), ...note, ...none].join('\n');
      return { content, isError: false, fact: { ...fact, matches: matches.length } };
    },
  });

/** A match in a minified file must not cost the model a thousand tokens. */
const textCharactersMax = 400;

const inOneLine = ({ path, line, text }: SearchMatch): string => {
  const shown =
    text.length > textCharactersMax ? `${text.slice(0, textCharactersMax).toWellFormed()}…` : text;
  return `${path}:${line}:${shown}`;
};
