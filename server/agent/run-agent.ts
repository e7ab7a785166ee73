import type { Exploration } from '../domain/exploration.ts';
import { type Emit, type JobFact, noUsage, plusCall, plusTurn, type Usage } from '../domain/job-event.ts';
import type { Model, ModelReply, Transcript } from '../domain/model.ts';
import type { Base } from '../domain/repository.ts';
import type { Span } from '../domain/trace.ts';
import type { NoteTopic, TranscriptEntry, Transcripts } from '../domain/transcript.ts';
import { createAccount } from './account.ts';
import type { AgentAnswer } from './answer.ts';
import { askModel } from './ask-model.ts';
import { createBounds, type Incomplete, outOfTime } from './bounds.ts';
import { createContext } from './context/context.ts';
import { createFirstMessage } from './first-message.ts';
import type { Guardian } from './guardian.ts';
import { judgeReply, textOf } from './judge-reply.ts';
import type { AgentLimits } from './limits.ts';
import { createSystemPrompt } from './prompt.ts';
import { createReplay } from './replay.ts';
import { runCalls } from './run-calls.ts';
import { createSetbacks } from './setbacks.ts';
import { type AgentSandbox, createTools } from './tools/create-tools.ts';
import { withReply, withUser } from './transcript.ts';
import { createUniqueIds } from './unique-ids.ts';

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
  const definitions = tools.map(({ definition }) => definition);
  const system = createSystemPrompt(base);
  const setbacks = createSetbacks();
  const replay = createReplay(transcripts.earlier, transcripts.unfinished);
  const bounds = createBounds(limits);
  const withUniqueIds = createUniqueIds();
  const account = createAccount(prompt, told, ports.redact);
  const save = async (entry: TranscriptEntry, fact?: JobFact) => {
    if (fact) account.learn(fact);
    if (fact) context.learn(fact);
    await transcripts.save(entry, fact);
  };
  let transcript: Transcript = withUser([], createFirstMessage(exploration, prompt));
  let usage = noUsage;
  let saving = Promise.resolve();
  let feedbackGiven = 0;
  const onUsage = (used: ModelReply['usage']) => {
    usage = plusCall(usage, used);
    progress.onUsage(usage);
  };
  const context = createContext(
    { system, tools: definitions, told, inputTokensMax: limits.inputTokensMax },
    {
      ...ports,
      // A summary relies on what earlier calls have changed, like a reply.
      save: (entry, fact) => saving.then(() => save(entry, fact)),
      onUsage,
    },
  );

  const say = (text: string, about: NoteTopic | undefined) => {
    transcript = withUser(transcript, [{ type: 'text', text }]);
    bounds.noted(about);
  };
  const note = async (text: string, about?: NoteTopic, fact?: JobFact) => {
    await save({ kind: 'note', text, ...(about && { about }) }, fact);
    say(text, about);
  };
  /** undefined when there is no time left for it. */
  const ask = async (): Promise<ModelReply | undefined> => {
    for (const { text, about, fact } of bounds.nudges()) await note(text, about, fact);
    const news = guardian.news();
    if (news !== undefined) await note(news);
    // While the model thinks. A failure counts when the reply is there.
    saving = guardian.save(signal);
    saving.catch(() => {});
    const timeIsUp = bounds.timeIsUp();
    const inTime = AbortSignal.any([signal, timeIsUp]);
    const send = (view: Transcript) =>
      askModel(
        { system, tools: definitions, transcript: view },
        usage.turns + 1,
        { ...ports, onUsage, unfinished: replay.unfinished() },
        inTime,
      );
    const answered = await context.ask(transcript, send, inTime).catch(async (thrown: unknown) => {
      // Whatever becomes of the job now, what its last turn has changed is to be there.
      await saving.catch(() => {});
      signal.throwIfAborted();
      if (timeIsUp.aborted) return undefined;
      throw thrown;
    });
    if (answered === undefined) return undefined;
    const reply = { ...answered, content: withUniqueIds(answered.content) };
    // Else a reply that relies on what earlier calls have changed could be there without those changes.
    await saving;
    await save({ kind: 'reply', reply });
    return reply;
  };
  const endIncomplete = async (why: Incomplete): Promise<AgentAnswer> => {
    // The work so far is there for whoever asks for it, and of a sandbox that is lost what was saved.
    await guardian.save(signal);
    await guardian.healUnsaved(signal);
    return account.incompleteAnswer(why);
  };

  for (;;) {
    signal.throwIfAborted();
    for (const { text, about } of replay.notes()) {
      say(text, about);
      if (about === 'checks') feedbackGiven += 1;
    }
    context.recall(replay.compactions());
    const known = replay.reply();
    const end = known ? undefined : bounds.end();
    if (end) return endIncomplete(end);
    const reply = known ?? (await ask());
    if (reply === undefined) return endIncomplete(outOfTime);
    if (known) withUniqueIds(known.content);
    context.measure(transcript, reply);
    usage = plusTurn(usage, reply.usage);
    progress.onUsage(usage);
    transcript = withReply(transcript, reply.content);

    const verdict = judgeReply(reply);
    account.hear(textOf(reply));
    if (verdict.kind === 'final') {
      bounds.add(reply, [], usage);
      if (replay.isNote()) continue;
      const missing = await guardian.healUnsaved(signal);
      if (missing !== undefined) {
        await note(missing);
        continue;
      }
      const next = feedback[feedbackGiven];
      if (next === undefined || bounds.end()) {
        const answer = account.answer(verdict.text);
        return bounds.wrappingUp ? { ...answer, wrappedUp: true } : answer;
      }
      feedbackGiven += 1;
      await note(next, 'checks', { type: 'Agent: Nudged', reason: 'checks_broken', message: next });
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
    bounds.add(reply, results, usage);
  }
};
