import { z } from 'zod';
import type { Sandbox } from '../../domain/sandbox.ts';
import type { Tool } from '../../domain/tool.ts';
import { defineTool } from './define-tool.ts';
import { filepathInput } from './inputs.ts';

export const createEditTool = (sandbox: Pick<Sandbox, 'edit'>): Tool =>
  defineTool({
    name: 'edit',
    description:
      'Replaces one place in a file. old_str must be in the file exactly once, white space included: copy it ' +
      'from what read gave you, without the line numbers, with enough lines around it to be the only one.',
    input: z.strictObject({
      filepath: filepathInput,
      old_str: z.string().min(1).describe('the text that is there now'),
      new_str: z.string().describe('the text that replaces it; empty to delete it'),
    }),
    run: async (edit, callId, signal) => {
      const reply = await sandbox.edit(edit, signal);
      const fact = { type: 'Tool: Edit', ...edit, callId } as const;
      return reply.ok
        ? { content: `Edited ${edit.filepath} at line ${reply.line}.`, isError: false, fact }
        : { content: reply.message, isError: true, fact: { ...fact, error: reply.message } };
    },
  });
