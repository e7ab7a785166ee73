import { AppError } from '../domain/errors.ts';
import { type Emit, type JobFact, noUsage, plusCall, plusTurn, type Usage } from '../domain/job-event.ts';
import type { Model, ModelReply, Transcript } from '../domain/model.ts';
import type { Base } from '../domain/repository.ts';
import type { Span } from '../domain/trace.ts';
import type { NoteTopic, TranscriptEntry, Transcripts } from '../domain/transcript.ts';
import { type AgentAnswer, type Command, createAnswer } from './answer.ts';
import { askModel } from './ask-model.ts';
import { createContext } from './context/context.ts';
import type { Guardian } from './guardian.ts';
import { judgeReply } from './judge-reply.ts';
import type { AgentLimits } from './limits.ts';
import { createSystemPrompt } from './prompt.ts';
import { createReplay } from './replay.ts';
import { runCalls } from './run-calls.ts';
import { createSetbacks } from './setbacks.ts';
import { type AgentSandbox, createTools } from './tools/create-tools.ts';
import { withReply, withUser } from './transcript.ts';

type Assignment = {
  prompt: string;
  base: Base;
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
 * was stored of the transcript is gone through first, and only what comes after it is asked and done.
 * Throws AppError: `turn_limit`, `token_limit`, `model_refused`, `model_failed`, and what model and sandbox throw.
 */
export const runAgent = async (
  { prompt, base, told, feedback }: Assignment,
  ports: Ports,
  limits: AgentLimits,
  progress: Progress,
  signal: AbortSignal,
): Promise<AgentAnswer> => {
  const { guardian, transcripts } = ports;
  const tools = createTools(ports.sandbox, limits);
  const definitions = tools.map(({ definition }) => definition);
  const system = createSystemPrompt(base);
  const setbacks = createSetbacks();
  const replay = createReplay(transcripts.earlier, transcripts.unfinished);
  const commands = told.flatMap((fact) => commandOf(fact, ports.redact));
  const save = async (entry: TranscriptEntry, fact?: JobFact) => {
    if (fact) commands.push(...commandOf(fact, ports.redact));
    if (fact) context.learn(fact);
    await transcripts.save(entry, fact);
  };
  let transcript: Transcript = withUser([], [{ type: 'text', text: prompt }]);
  let usage = noUsage;
  let saving = Promise.resolve();
  let feedbackGiven = 0;
  const context = createContext(
    { system, tools: definitions, told, inputTokensMax: limits.inputTokensMax },
    {
      ...ports,
      // A summary relies on what earlier calls have changed, like a reply.
      save: (entry, fact) => saving.then(() => save(entry, fact)),
      onUsage: (used) => {
        usage = plusCall(usage, used);
        progress.onUsage(usage);
      },
    },
  );

  const say = (text: string) => {
    transcript = withUser(transcript, [{ type: 'text', text }]);
  };
  const note = async (text: string, about?: NoteTopic) => {
    await save({ kind: 'note', text, ...(about && { about }) });
    say(text);
  };
  const ask = async (): Promise<ModelReply> => {
    const news = guardian.news();
    if (news !== undefined) await note(news);
    const send = (view: Transcript) =>
      askModel(
        { system, tools: definitions, transcript: view },
        usage.turns + 1,
        { ...ports, unfinished: replay.unfinished() },
        signal,
      );
    const reply = await context.ask(transcript, send, signal);
    // Else a reply that relies on what earlier calls have changed could be there without those changes.
    await saving;
    await save({ kind: 'reply', reply });
    return reply;
  };

  for (;;) {
    signal.throwIfAborted();
    refuseBeyond(limits, usage);
    for (const { text, about } of replay.notes()) {
      say(text);
      if (about === 'checks') feedbackGiven += 1;
    }
    context.recall(replay.compactions());
    const known = replay.reply();
    const reply = known ?? (await ask());
    context.measure(transcript, reply);
    usage = plusTurn(usage, reply.usage);
    progress.onUsage(usage);
    transcript = withReply(transcript, reply.content);

    const verdict = judgeReply(reply);
    if (verdict.kind === 'final') {
      if (replay.isNote()) continue;
      const missing = await guardian.healUnsaved(signal);
      if (missing !== undefined) {
        await note(missing);
        continue;
      }
      const next = feedback[feedbackGiven];
      if (next === undefined) return createAnswer(ports.redact(verdict.text), prompt, commands);
      feedbackGiven += 1;
      await note(next, 'checks');
      continue;
    }
    const advice = setbacks.adviceAfter(verdict);
    const results =
      verdict.kind === 'calls'
        ? await runCalls(
            { ...verdict, isReplayed: known !== undefined },
            { ...ports, tools, replay, save },
            signal,
          )
        : [];
    transcript = withUser(transcript, [...results, ...advice]);
    // While the model thinks. A failure counts when the reply is there.
    saving = guardian.save(signal);
    saving.catch(() => {});
  }
};

const commandOf = (fact: JobFact, redact: (text: string) => string): Command[] =>
  fact.type === 'Tool: Bash' ? [{ command: redact(fact.command), exitCode: fact.exitCode }] : [];

const refuseBeyond = ({ turnsMax, tokensMax }: AgentLimits, usage: Usage): void => {
  if (usage.turns >= turnsMax) {
    throw new AppError('turn_limit', `The model was not done after ${turnsMax} turns, which is the limit.`);
  }
  const tokens = usage.inputTokens + usage.outputTokens;
  if (tokens >= tokensMax) {
    throw new AppError(
      'token_limit',
      `The job used ${tokens} tokens and is not done; ${tokensMax} is the limit.`,
    );
  }
};
