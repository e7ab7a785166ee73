import { z } from 'zod';
import type { Sandbox } from '../../domain/sandbox.ts';
import type { Tool } from '../../domain/tool.ts';
import { defineTool } from './define-tool.ts';
import { filepathInput } from './inputs.ts';

export const createWriteTool = (sandbox: Pick<Sandbox, 'write'>): Tool =>
  defineTool({
    name: 'write',
    description:
      'Writes a whole file, and the directories that it needs. For a change to a file that is there, use edit.',
    input: z.strictObject({
      filepath: filepathInput,
      content: z.string().describe('all of the file, with a line end at its end'),
    }),
    run: async (file, callId, signal) => {
      const reply = await sandbox.write(file, signal);
      const fact = { type: 'Tool: Write', filepath: file.filepath, callId } as const;
      return reply.ok
        ? {
            content: `Wrote ${file.filepath}: ${reply.lines} ${reply.lines === 1 ? 'line' : 'lines'}.`,
            isError: false,
            fact: { ...fact, lines: reply.lines },
          }
        : { content: reply.message, isError: true, fact: { ...fact, lines: 0, error: reply.message } };
    },
  });
