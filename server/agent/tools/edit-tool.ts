import { z } from 'zod';
import type { Edit, MadeEdit, Sandbox } from '../../domain/sandbox.ts';
import type { Tool } from '../../domain/tool.ts';
import { defineTool } from './define-tool.ts';
import { filepathInput } from './inputs.ts';

const editsMax = 100;

const oldText = z.string().describe('the text that is there now');
const newText = z.string().describe('the text that replaces it; empty to delete it');
const everywhere = z.boolean().optional().describe('true: every place with old_str, not the only one');

const editInput = z
  .strictObject({
    filepath: filepathInput,
    old_str: oldText.optional(),
    new_str: newText.optional(),
    replace_all: everywhere,
    edits: z
      .array(z.strictObject({ old_str: oldText, new_str: newText, replace_all: everywhere }))
      .min(1)
      .max(editsMax)
      .optional()
      .describe('several edits instead of old_str and new_str, made in this order'),
  })
  .superRefine(({ old_str, new_str, replace_all, edits }, { addIssue }) => {
    const single = { old_str, new_str };
    if (edits !== undefined) {
      if (old_str === undefined && new_str === undefined && replace_all === undefined) return;
      addIssue({ code: 'custom', message: 'give either old_str and new_str, or edits' });
      return;
    }
    for (const [field, value] of Object.entries(single)) {
      if (value === undefined) {
        addIssue({ code: 'invalid_type', expected: 'string', input: undefined, path: [field] });
      }
    }
  });

export const createEditTool = (sandbox: Pick<Sandbox, 'edit'>): Tool =>
  defineTool({
    name: 'edit',
    description:
      'Replaces text in a file. old_str must be in the file exactly once, white space included: copy it from ' +
      'what read gave you, without the line numbers, with enough lines around it to be the only one. Give several ' +
      'changes to one file in one call with edits: all of them are made, or none.',
    input: editInput,
    run: async (
      { filepath, edits: several, old_str = '', new_str = '', replace_all },
      callId,
      signal,
      emit,
    ) => {
      const edits = several ?? [{ old_str, new_str, replace_all }];
      const reply = await sandbox.edit({ filepath, edits }, signal);
      const factOf = (edit: Edit) => ({ type: 'Tool: Edit', filepath, ...shown(edit), callId }) as const;
      if (!reply.ok) {
        const { message, edit: index = 0 } = reply;
        const failed = edits[index] ?? edits[0] ?? { old_str, new_str };
        return { content: message, isError: true, fact: { ...factOf(failed), error: message } };
      }
      // A call whose server dies is never made again, so that what is told here is told once.
      for (const edit of edits.slice(0, -1)) await emit(factOf(edit));
      const last = edits.at(-1) ?? { old_str, new_str };
      const places = reply.edits.map(inWords).join(', ');
      return { content: `Edited ${filepath} at ${places}.`, isError: false, fact: factOf(last) };
    },
  });

const shown = ({ old_str, new_str, replace_all }: Edit) => ({
  old_str,
  new_str,
  ...(replace_all && { replace_all }),
});

const inWords = ({ line, places }: MadeEdit): string =>
  places === 1 ? `line ${line}` : `${places} places from line ${line} on`;
