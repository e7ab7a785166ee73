import type { Tool } from '../domain/tool.ts';
import type { ToolCall } from './judge-reply.ts';

/** So many open files and processes a sandbox bears beside what runs in it. */
const atOnceMax = 8;

/** Calls that may run at the same time, in their order: those next to each other that change nothing; others alone. */
export const inBatches = (calls: readonly ToolCall[], tools: readonly Tool[]): ToolCall[][] => {
  const readOnly = new Set(
    tools.flatMap(({ definition, isReadOnly }) => (isReadOnly ? [definition.name] : [])),
  );
  const batches: ToolCall[][] = [];
  let isOpen = false;
  for (const call of calls) {
    const last = batches.at(-1);
    const fits = isOpen && readOnly.has(call.name) && last !== undefined && last.length < atOnceMax;
    if (fits) last.push(call);
    else batches.push([call]);
    isOpen = readOnly.has(call.name);
  }
  return batches;
};
