import { z } from 'zod';
import type { Emit } from '../../domain/job-event.ts';
import type { Tool, ToolOutcome } from '../../domain/tool.ts';
import { cut } from '../../domain/visible-text.ts';

/** Makes a tool of a zod object: the model gets its JSON Schema, `run` gets what has passed it. */
export const defineTool = <Input>(parts: {
  name: string;
  description: string;
  input: z.ZodType<Input>;
  isReadOnly?: boolean;
  run(input: Input, callId: string, signal: AbortSignal, emit: Emit): Promise<ToolOutcome>;
}): Tool => {
  const { $schema: _, ...inputSchema } = z.toJSONSchema(parts.input, { io: 'input' });
  const fields = Object.keys(inputSchema.properties ?? {});
  return {
    definition: { name: parts.name, description: parts.description, inputSchema },
    isReadOnly: parts.isReadOnly ?? false,
    run: async (input, callId, signal, emit) => {
      const parsed = parts.input.safeParse(input, { reportInput: true });
      if (parsed.success) return parts.run(parsed.data, callId, signal, emit);
      const problems = parsed.error.issues.map((issue) => inWords(issue, fields)).join('; ');
      return refusedCall(parts.name, callId, `The input of ${parts.name} does not fit: ${problems}.`);
    },
  };
};

/** A call that no tool could take. */
export const refusedCall = (tool: string, callId: string, error: string): ToolOutcome => ({
  content: error,
  isError: true,
  fact: { type: 'Tool: Refused', tool, error, callId },
});

/** zod's message, with the name of the field and without zod's own words. */
const inWords = (issue: z.core.$ZodIssue, fields: readonly string[]): string => {
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => `«${cut(key, 100)}»`).join(', ');
    return `there is no field ${names}, the fields are ${fields.join(', ')}`;
  }
  const where = issue.path.length === 0 ? 'the input' : `«${pathInWords(issue.path)}»`;
  if (issue.code === 'invalid_type' && issue.input === undefined) {
    return `${where} is missing (${issue.expected})`;
  }
  const message = issue.message.replace(/^(Invalid input|Invalid option|Too small|Too big): /, '');
  return `${where}: ${message}`;
};

/** `steps[0].title` for `['steps', 0, 'title']`. */
const pathInWords = (path: readonly PropertyKey[]): string =>
  path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      return index === 0 ? String(part) : `.${String(part)}`;
    })
    .join('');
