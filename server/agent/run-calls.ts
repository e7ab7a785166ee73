import type { Emit } from '../domain/job-event.ts';
import type { ToolResult } from '../domain/model.ts';
import type { Tool, ToolOutcome } from '../domain/tool.ts';
import type { Span } from '../domain/trace.ts';
import { type Guardian, isLoss } from './guardian.ts';
import { inSpan } from './in-span.ts';
import { interruptedCall } from './interrupted-call.ts';
import type { ToolCall } from './judge-reply.ts';
import { refusedCall } from './tools/define-tool.ts';

type Ports = { tools: readonly Tool[]; emit: Emit; span: Span; guardian: Pick<Guardian, 'heal'> };

/**
 * Runs the calls of one reply in their order; each one's event is stored before the next call starts. Behind a call
 * during which the sandbox was lost none is run: the model did not know what it would meet.
 */
export const runCalls = async (
  { complete, cut }: { complete: readonly ToolCall[]; cut: ToolCall | undefined },
  ports: Ports,
  signal: AbortSignal,
): Promise<ToolResult[]> => {
  const results: ToolResult[] = [];
  let isLost = false;
  for (const call of complete) {
    signal.throwIfAborted();
    const outcome = isLost
      ? refusedCall(call.name, call.id, notRun)
      : await runCall(call, ports, signal).catch(async (thrown: unknown) => {
          if (!isLoss(thrown, signal)) throw thrown;
          isLost = true;
          return interruptedCall(call, await ports.guardian.heal(thrown, signal));
        });
    results.push(await settle(call, outcome, ports.emit));
  }
  if (cut) results.push(await settle(cut, refusedCall(cut.name, cut.id, cutAdvice), ports.emit));
  return results;
};

const notRun = 'Not run, since the sandbox was lost during a call before it.';

const cutAdvice =
  'The reply reached its output limit before this call was complete, so it was not run. Call it again with less ' +
  'input: write a long file in parts (write the first part, then add the others with edit).';

const runCall = async ({ id, name, input }: ToolCall, { tools, span, emit }: Ports, signal: AbortSignal) => {
  const tool = tools.find(({ definition }) => definition.name === name);
  if (!tool) {
    const names = tools.map(({ definition }) => definition.name).join(', ');
    return refusedCall(name, id, `There is no tool «${name}». The tools are: ${names}.`);
  }
  const child = span.child('tool', name, { input });
  return inSpan(child, async () => {
    const outcome = await tool.run(input, id, signal, emit);
    child.end({ output: outcome.content }, outcome.isError ? { error: outcome.content } : {});
    return outcome;
  });
};

const settle = async (call: ToolCall, outcome: ToolOutcome, emit: Emit): Promise<ToolResult> => {
  await emit(outcome.fact);
  const { content, isError } = outcome;
  return { type: 'tool_result', toolUseId: call.id, content, isError };
};
