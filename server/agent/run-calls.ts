import type { Emit, JobFact } from '../domain/job-event.ts';
import type { ToolResult } from '../domain/model.ts';
import type { Tool, ToolOutcome } from '../domain/tool.ts';
import type { Span } from '../domain/trace.ts';
import type { TranscriptEntry } from '../domain/transcript.ts';
import { inBatches } from './batches.ts';
import { type Guardian, isLoss } from './guardian.ts';
import { inSpan } from './in-span.ts';
import { interruptedCall } from './interrupted-call.ts';
import type { ToolCall } from './judge-reply.ts';
import { noSuchTool } from './no-such-tool.ts';
import type { Replay } from './replay.ts';
import { refusedCall } from './tools/define-tool.ts';

type Calls = {
  complete: readonly ToolCall[];
  cut: ToolCall | undefined;
  tooMany: readonly ToolCall[];
  /** Another server has asked for them, and perhaps begun them. */
  isReplayed: boolean;
};

type Ports = {
  tools: readonly Tool[];
  emit: Emit;
  span: Span;
  guardian: Pick<Guardian, 'heal' | 'news'>;
  replay: Pick<Replay, 'result'>;
  /** Stores the result together with the event that tells it. */
  save(entry: TranscriptEntry, fact: JobFact): Promise<void>;
};

/**
 * Runs the calls of one reply in their order; result and event of each are stored before the next one starts. Only calls
 * next to each other that change nothing run at the same time; what they gave is stored in their order all the same.
 * Behind a call that was interrupted, by the loss of its sandbox or of its server, none is run: the model did not know
 * what it would meet.
 */
export const runCalls = async (calls: Calls, ports: Ports, signal: AbortSignal): Promise<ToolResult[]> => {
  const results: ToolResult[] = [];
  let interrupted: 'sandbox' | 'server' | undefined;

  /** Of a call that has ended, or that nobody runs. */
  const outcomeOf = async (call: ToolCall, end: End | undefined): Promise<ToolOutcome> => {
    if (end && 'outcome' in end) return end.outcome;
    const thrown = end?.thrown;
    if (end && !isLoss(thrown, signal)) throw thrown;
    if (interrupted) return refusedCall(call.name, call.id, end ? lostToo : notRun[interrupted]);
    if (isLoss(thrown, signal)) {
      interrupted = 'sandbox';
      return interruptedCall(call, await ports.guardian.heal(thrown, signal));
    }
    interrupted = 'server';
    return interruptedCall(call, `${serverDied} ${ports.guardian.news() ?? ''}`.trim());
  };

  for (const batch of inBatches(calls.complete, ports.tools)) {
    signal.throwIfAborted();
    const known = batch.map(({ id }) => ports.replay.result(id));
    const mayRun = !interrupted && !calls.isReplayed;
    const running = mayRun ? batch.map((call) => endOf(runCall(call, ports, signal))) : [];
    // All of them first: none may reach the sandbox that takes a lost one's place, or outlive a job that ends.
    const ends = await Promise.all(running);
    for (const [index, call] of batch.entries()) {
      results.push(known[index] ?? (await settle(call, await outcomeOf(call, ends[index]), ports)));
    }
  }
  if (calls.cut) {
    const refused = refusedCall(calls.cut.name, calls.cut.id, cutAdvice);
    results.push(ports.replay.result(calls.cut.id) ?? (await settle(calls.cut, refused, ports)));
  }
  for (const call of calls.tooMany) {
    const refused = refusedCall(call.name, call.id, tooManyAdvice);
    results.push(ports.replay.result(call.id) ?? (await settle(call, refused, ports)));
  }
  return results;
};

type End = { outcome: ToolOutcome } | { thrown: unknown };

const endOf = (running: Promise<ToolOutcome>): Promise<End> =>
  running.then(
    (outcome) => ({ outcome }),
    (thrown: unknown) => ({ thrown }),
  );

const lostToo = 'The sandbox was lost before this call had an answer: call it again.';

const notRun = {
  sandbox: 'Not run, since the sandbox was lost during a call before it.',
  server: 'Not run, since the server was lost during a call before it.',
};

const serverDied =
  'The server that ran this call is gone: how far the call came is not known. Look at what is there before you go on.';

const cutAdvice =
  'The reply reached its output limit before this call was complete, so it was not run. Call it again with less ' +
  'input: write a long file in parts (write the first part, then add the others with edit).';

const tooManyAdvice =
  'Not run: there were too many calls in one reply. Look at the results of the others, then call again.';

const runCall = async ({ id, name, input }: ToolCall, { tools, span, emit }: Ports, signal: AbortSignal) => {
  const tool = tools.find(({ definition }) => definition.name === name);
  if (!tool) {
    return refusedCall(name, id, noSuchTool(name, input, tools));
  }
  const child = span.child('tool', name, { input });
  return inSpan(child, async () => {
    const outcome = await tool.run(input, id, signal, emit);
    child.end({ output: outcome.content }, outcome.isError ? { error: outcome.content } : {});
    return outcome;
  });
};

const settle = async (
  call: ToolCall,
  { content, isError, fact }: ToolOutcome,
  { save }: Ports,
): Promise<ToolResult> => {
  const result: ToolResult = { type: 'tool_result', toolUseId: call.id, content, isError };
  await save({ kind: 'result', result }, fact);
  return result;
};
