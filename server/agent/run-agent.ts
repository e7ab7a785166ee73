import type { Exploration } from '../domain/exploration.ts';
import type { Emit, JobFact, Usage } from '../domain/job-event.ts';
import type { Model } from '../domain/model.ts';
import type { Base } from '../domain/repository.ts';
import type { Span } from '../domain/trace.ts';
import type { Transcripts } from '../domain/transcript.ts';
import { createAccount } from './account.ts';
import type { AgentAnswer } from './answer.ts';
import { createBounds, type Incomplete, outOfTime } from './bounds.ts';
import { createConversation } from './conversation.ts';
import { createFirstMessage } from './first-message.ts';
import type { Guardian } from './guardian.ts';
import { judgeReply, textOf } from './judge-reply.ts';
import type { AgentLimits } from './limits.ts';
import { createSystemPrompt } from './prompt.ts';
import { createReplay } from './replay.ts';
import { runCalls } from './run-calls.ts';
import { createSetbacks } from './setbacks.ts';
import { type AgentSandbox, createTools } from './tools/create-tools.ts';

type Assignment = {
  prompt: string;
  base: Base;
  exploration: Exploration;
  /** What earlier holders of the job have told. */
  told: readonly JobFact[];
  /** What the model is told each time that it says to be done, in this order; the answer is what it says after the last. */
  feedback: readonly string[];
};
type Ports = {
  model: Model;
  sandbox: AgentSandbox;
  guardian: Guardian;
  transcripts: Transcripts;
  emit: Emit;
  span: Span;
  /** For the answer, which leaves the server and is cut to size: half a secret would no longer be known as one. */
  redact: (text: string) => string;
};
/** `onUsage` gets the sum of all turns so far, after each of them. */
type Progress = { onUsage(usage: Usage): void };

/**
 * Asks the model, runs the tools that it calls, tells it what came of them, and so on until it stops calling tools. What
 * was stored of the transcript is gone through first, and only what comes after it is asked and done. At a limit the
 * answer is `incomplete`. Throws AppError: `model_refused`, `model_failed`, and what model and sandbox throw.
 */
export const runAgent = async (
  { prompt, base, exploration, told, feedback }: Assignment,
  ports: Ports,
  limits: AgentLimits,
  progress: Progress,
  signal: AbortSignal,
): Promise<AgentAnswer> => {
  const { guardian, transcripts } = ports;
  const tools = createTools(ports.sandbox, limits);
  const setbacks = createSetbacks();
  const replay = createReplay(transcripts.earlier, transcripts.unfinished);
  const bounds = createBounds(limits);
  const account = createAccount(prompt, told, ports.redact);
  const talk = createConversation(
    {
      ...{ system: createSystemPrompt(base), tools: tools.map(({ definition }) => definition), told },
      ...{ firstMessage: createFirstMessage(exploration, prompt), inputTokensMax: limits.inputTokensMax },
    },
    ports,
    { replay, bounds, account, onUsage: progress.onUsage },
    signal,
  );

  /** What the job ends with; undefined when the model was told why it must go on. */
  const takeAnswer = async (finalMessage: string): Promise<AgentAnswer | undefined> => {
    if (replay.isNote()) return undefined;
    const missing = await guardian.healUnsaved(signal);
    if (missing !== undefined) {
      await talk.note(missing);
      return undefined;
    }
    const next = feedback[talk.feedbackGiven];
    if (next !== undefined && !bounds.end()) {
      await talk.note(next, 'checks', { type: 'Agent: Nudged', reason: 'checks_broken', message: next });
      return undefined;
    }
    const answer = account.answer(finalMessage);
    return bounds.wrappingUp ? { ...answer, wrappedUp: true } : answer;
  };
  const endIncomplete = async (why: Incomplete): Promise<AgentAnswer> => {
    // The work so far is there for whoever asks for it, and of a sandbox that is lost what was saved.
    await guardian.save(signal);
    await guardian.healUnsaved(signal);
    return account.incompleteAnswer(why);
  };

  for (;;) {
    signal.throwIfAborted();
    talk.recall();
    const stored = replay.reply();
    const end = stored ? undefined : bounds.end();
    if (end) return endIncomplete(end);
    const reply = stored ?? (await talk.ask());
    if (reply === undefined) return endIncomplete(outOfTime);
    talk.hear(reply, stored !== undefined);

    const verdict = judgeReply(reply);
    account.hear(textOf(reply));
    if (verdict.kind === 'final') {
      bounds.add(reply, [], talk.usage);
      const answer = await takeAnswer(verdict.text);
      if (answer) return answer;
      continue;
    }
    const advice = setbacks.adviceAfter(verdict);
    const results =
      verdict.kind === 'calls'
        ? await runCalls(
            { ...verdict, isReplayed: stored !== undefined },
            { ...ports, tools, replay, save: talk.save },
            signal,
          )
        : [];
    talk.answer([...results, ...advice]);
    bounds.add(reply, results, talk.usage);
  }
};
