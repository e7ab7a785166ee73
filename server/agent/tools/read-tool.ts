import { z } from 'zod';
import { given } from '../../domain/given.ts';
import type { ReadResult, Sandbox } from '../../domain/sandbox.ts';
import type { Tool } from '../../domain/tool.ts';
import type { AgentLimits } from '../limits.ts';
import { defineTool } from './define-tool.ts';
import { filepathInput } from './inputs.ts';

export const createReadTool = (
  sandbox: Pick<Sandbox, 'read'>,
  { readBytesMax }: Pick<AgentLimits, 'readBytesMax'>,
): Tool =>
  defineTool({
    name: 'read',
    description:
      'Reads a text file. Every line comes with its number and a tab, as with cat -n; they are not part of the ' +
      'file. Of a long file you get the beginning and are told how to get the rest. Ask for all that you want to see ' +
      'in one reply: reads, lists and searches run at the same time.',
    isReadOnly: true,
    input: z.strictObject({
      filepath: filepathInput,
      offset: z.number().int().min(1).optional().describe('number of the first line; 1 without it'),
      limit: z.number().int().min(1).optional().describe('how many lines; all without it'),
    }),
    run: async ({ filepath, offset, limit }, callId, signal) => {
      const reply = await sandbox.read(
        { filepath, ...given({ offset, limit }), bytesMax: readBytesMax },
        signal,
      );
      const fact = { type: 'Tool: Read', filepath, callId } as const;
      if (!reply.ok) {
        const { message } = reply;
        return { content: message, isError: true, fact: { ...fact, lines: 0, error: message } };
      }
      const lines = linesOf(reply);
      const numbered = lines.map((line, index) => `${String(reply.fromLine + index).padStart(6)}\t${line}`);
      const unseen = (reply.notes ?? []).map((note) => `[${note}]`);
      const content = [...numbered, ...notes(reply, readBytesMax), ...unseen].join('\n');
      return { content, isError: false, fact: { ...fact, lines: lines.length } };
    },
  });

const linesOf = ({ content, fromLine, toLine }: ReadResult): string[] =>
  content.split('\n').slice(0, Math.max(0, toLine - fromLine + 1));

/** What the model must know about the lines that it does not see. */
const notes = ({ content, fromLine, toLine, totalLines }: ReadResult, readBytesMax: number): string[] => {
  if (totalLines === 0) return ['[the file is empty]'];
  // The sandbox cuts a line only when it alone is over the limit; a cut character may have become a longer one.
  const isCut = fromLine === toLine && Buffer.byteLength(content) >= readBytesMax - 4;
  const cut = isCut
    ? [`[line ${fromLine} goes on beyond ${readBytesMax} bytes: see the rest with bash, for example cut -c]`]
    : [];
  if (toLine < totalLines) {
    return [...cut, `[lines ${fromLine} to ${toLine} of ${totalLines}: go on with offset ${toLine + 1}]`];
  }
  return fromLine > 1 ? [...cut, `[lines ${fromLine} to ${toLine} of ${totalLines}: the end]`] : cut;
};
