import { type Emit, type JobFact, noUsage, plusCall, plusTurn, type Usage } from '../domain/job-event.ts';
import type { Model, ModelReply, ToolDefinition, Transcript } from '../domain/model.ts';
import type { Span } from '../domain/trace.ts';
import type { NoteTopic, TranscriptEntry, Transcripts } from '../domain/transcript.ts';
import type { Account } from './account.ts';
import { askModel } from './ask-model.ts';
import type { Bounds } from './bounds.ts';
import { createContext } from './context/context.ts';
import type { Guardian } from './guardian.ts';
import type { Replay } from './replay.ts';
import { withReply, withUser } from './transcript.ts';
import { createUniqueIds } from './unique-ids.ts';

/**
 * The talk with the model. Every word of it is stored before anything depends on it; what is stored already is said
 * again without asking anybody.
 */
export type Conversation = {
  /** The sum of all turns so far. */
  readonly usage: Usage;
  /** How often the model has heard that checks fail. */
  readonly feedbackGiven: number;
  /** What the model was told at this place before, and what of the talk it is no longer sent. */
  recall(): void;
  /** Asks for the next reply; undefined when there is no time left for it. */
  ask(): Promise<ModelReply | undefined>;
  /** Takes a reply into the talk, a stored one or the one that was just asked for. */
  hear(reply: ModelReply, isStored: boolean): void;
  /** Tells the model what came of its calls. */
  answer(content: Parameters<typeof withUser>[1]): void;
  /** Tells it something that does not follow from its reply. */
  note(text: string, about?: NoteTopic, fact?: JobFact): Promise<void>;
  save(entry: TranscriptEntry, fact?: JobFact): Promise<void>;
};

type Opening = {
  system: string;
  tools: readonly ToolDefinition[];
  firstMessage: Parameters<typeof withUser>[1];
  told: readonly JobFact[];
  inputTokensMax: number;
};
type Ports = { model: Model; guardian: Guardian; transcripts: Transcripts; emit: Emit; span: Span };
type Companions = {
  replay: Replay;
  bounds: Bounds;
  account: Account;
  onUsage(usage: Usage): void;
};

export const createConversation = (
  { system, tools, firstMessage, told, inputTokensMax }: Opening,
  ports: Ports,
  { replay, bounds, account, onUsage }: Companions,
  signal: AbortSignal,
): Conversation => {
  const { guardian, transcripts } = ports;
  const withUniqueIds = createUniqueIds();
  let transcript: Transcript = withUser([], firstMessage);
  let usage = noUsage;
  let feedbackGiven = 0;
  let saving = Promise.resolve();

  const save = async (entry: TranscriptEntry, fact?: JobFact) => {
    if (fact) account.learn(fact);
    if (fact) context.learn(fact);
    await transcripts.save(entry, fact);
  };
  const count = (sum: Usage) => {
    usage = sum;
    onUsage(sum);
  };
  /** Of calls that are no turn. */
  const onCall = (used: ModelReply['usage']) => count(plusCall(usage, used));
  const context = createContext(
    { system, tools, told, inputTokensMax },
    {
      ...ports,
      // A summary relies on what earlier calls have changed, like a reply.
      save: (entry, fact) => saving.then(() => save(entry, fact)),
      onUsage: onCall,
    },
  );
  const say = (text: string, about: NoteTopic | undefined) => {
    transcript = withUser(transcript, [{ type: 'text', text }]);
    bounds.noted(about);
    if (about === 'checks') feedbackGiven += 1;
  };
  const note = async (text: string, about?: NoteTopic, fact?: JobFact) => {
    await save({ kind: 'note', text, ...(about && { about }) }, fact);
    say(text, about);
  };

  return {
    get usage() {
      return usage;
    },
    get feedbackGiven() {
      return feedbackGiven;
    },
    note,
    save,
    recall() {
      for (const { text, about } of replay.notes()) say(text, about);
      context.recall(replay.compactions());
    },
    async ask() {
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
          { system, tools, transcript: view },
          usage.turns + 1,
          { ...ports, onUsage: onCall, unfinished: replay.unfinished() },
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
    },
    hear(reply, isStored) {
      // Its ids are taken, and have been made unique before.
      if (isStored) withUniqueIds(reply.content);
      context.measure(transcript, reply);
      count(plusTurn(usage, reply.usage));
      transcript = withReply(transcript, reply.content);
    },
    answer(content) {
      transcript = withUser(transcript, content);
    },
  };
};
