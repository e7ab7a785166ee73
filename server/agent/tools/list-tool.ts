import { z } from 'zod';
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
    input: z.strictObject({ path: directoryInput, glob: globInput }),
    run: async ({ path, glob }, callId, signal) => {
      const narrowed = glob === undefined ? {} : { glob };
      const where = path === undefined ? narrowed : { path, ...narrowed };
      const reply = await sandbox.list({ ...where, filesMax }, signal);
      const fact = { type: 'Tool: List', path: path ?? '.', ...narrowed, callId } as const;
      if (!reply.ok) {
        const { message } = reply;
        return { content: message, isError: true, fact: { ...fact, files: 0, error: message } };
      }
      const { paths, more } = reply;
      const note = more ? [`[there are more than ${filesMax} files: narrow the list with path or glob]`] : [];
      const none = paths.length === 0 ? ['[no files]'] : [];
      const content = [...paths, ...note, ...none].join('\n');
      return { content, isError: false, fact: { ...fact, files: paths.length } };
    },
  });
