import type { ToolOutcome } from '../domain/tool.ts';
import { commandOf } from './command-of.ts';
import type { ToolCall } from './judge-reply.ts';
import { refusedCall } from './tools/define-tool.ts';

/** What came of a call during which the sandbox, or the server, was lost. */
export const interruptedCall = ({ id, name, input }: ToolCall, error: string): ToolOutcome => {
  const outcome = refusedCall(name, id, error);
  const command = name === 'bash' ? commandOf(input) : undefined;
  if (command === undefined) return outcome;
  const unknown = { output: '', exitCode: null, durationMs: 0 };
  return { ...outcome, fact: { type: 'Tool: Bash', command, ...unknown, callId: id, error } };
};
