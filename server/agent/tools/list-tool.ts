import { z } from 'zod';
import { given } from '../../domain/given.ts';
import type { Sandbox } from '../../domain/sandbox.ts';
import type { Tool } from '../../domain/tool.ts';
import type { AgentLimits } from '../limits.ts';
import { defineTool } from './define-tool.ts';
import { directoryInput, globInput } from './inputs.ts';

export const createListTool = (
  sandbox: Pick<Sandbox, 'list'>,
  { filesMax }: Pick<AgentLimits, 'filesMax'>,
): Tool =>
  defineTool({
    name: 'list',
    description:
      'Lists files, one path a line, in all directories below. Hidden files are included; .git and what ' +
      '.gitignore names are not.',
    isReadOnly: true,
    input: z.strictObject({
      path: directoryInput,
      glob: globInput,
      depth: z
        .number()
        .int()
        .min(1)
        .optional()
        .describe('of directories deeper than this only the number of files is told; 1 for one level'),
    }),
    run: async ({ path, glob, depth }, callId, signal) => {
      const narrowed = given({ glob });
      const reply = await sandbox.list({ ...given({ path, depth }), ...narrowed, filesMax }, signal);
      const fact = { type: 'Tool: List', path: path ?? '.', ...narrowed, callId } as const;
      if (!reply.ok) {
        const { message } = reply;
        return { content: message, isError: true, fact: { ...fact, files: 0, error: message } };
      }
      const { paths, more, hint } = reply;
      const note = more
        ? [`[there are more than ${filesMax} files: narrow the list with path, glob or depth]`]
        : [];
      const none = paths.length === 0 ? [hint === undefined ? '[no files]' : `[no files: ${hint}]`] : [];
      const content = [...paths, ...note, ...none].join('\n');
      return { content, isError: false, fact: { ...fact, files: paths.length } };
    },
  });
