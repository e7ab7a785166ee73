import { type JobFact, noUsage, plusCall } from '../../domain/job-event.ts';
import type { Model, ModelReply, ModelRequest, ToolDefinition, Transcript } from '../../domain/model.ts';
import type { Span } from '../../domain/trace.ts';
import type { Compaction, TranscriptEntry } from '../../domain/transcript.ts';
import type { CompactionEntry } from '../replay.ts';
import { withReply } from '../transcript.ts';
import { askSummary } from './ask-summary.ts';
import { createKnownWork } from './known-work.ts';
import { charactersOf, notMeasured, tokensOf } from './measure.ts';
import { nextStep, type Step } from './next-step.ts';
import { summaryText } from './summary.ts';
import { resultsOf, resultsSeen, viewOf } from './view-of.ts';

/** What the model is sent of a transcript that becomes longer than its context. */
export type Context = {
  /** What earlier holders of the job have left out. */
  recall(entries: readonly CompactionEntry[]): void;
  /** What became of a tool call. */
  learn(fact: JobFact): void;
  /**
   * Sends what fits of the transcript; leaves more out before, where it must, and again when the model says that it was
   * too long. `context_full` comes back only when nothing more can be left out.
   */
  ask(
    transcript: Transcript,
    send: (view: Transcript) => Promise<ModelReply>,
    signal: AbortSignal,
  ): Promise<ModelReply>;
  /** To be told of each reply to the transcript, asked for or known: what it has counted is where the next count begins. */
  measure(transcript: Transcript, reply: ModelReply): void;
};

type Opening = {
  system: string;
  tools: readonly ToolDefinition[];
  told: readonly JobFact[];
  inputTokensMax: number;
};

type Ports = {
  model: Model;
  span: Span;
  save(entry: TranscriptEntry, fact: JobFact): Promise<void>;
  /** What was used otherwise than by a reply of the transcript. */
  onUsage(usage: ModelReply['usage']): void;
};

export const createContext = (opening: Opening, ports: Ports): Context => {
  const { system, tools } = opening;
  const work = createKnownWork(opening.told);
  const compactions: Compaction[] = [];
  /** Less than it was set to when the model turns out to take less. */
  let inputTokensMax = opening.inputTokensMax;
  let last = notMeasured;
  let inputTokens = 0;
  /** Of what was asked since the last entry and is not in the transcript. */
  let spent = noSpending;

  const requestOf = (transcript: Transcript): ModelRequest => ({ system, tools, transcript });
  const sizeOf = (view: Transcript) => tokensOf(charactersOf(requestOf(view)), last);

  const spend = (usage: ModelReply['usage']) => {
    spent = plusCall(spent, usage);
    ports.onUsage(usage);
  };

  const summarize = async (transcript: Transcript, signal: AbortSignal): Promise<string> => {
    const messages = transcript.length;
    const allResults = { how: 'results_cleared', results: resultsOf(transcript).length, messages } as const;
    let words = '';
    // The second time for a request that was too long, and for a model that has called tools instead.
    for (const cleared of [[], [allResults]]) {
      const view = viewOf(transcript, [...compactions, ...cleared]);
      const said = await askSummary(requestOf(view), ports, signal);
      spend(said.usage);
      words = said.words;
      if (words !== '') break;
    }
    return summaryText(words, work.inWords());
  };

  const take = async (step: Step, transcript: Transcript, signal: AbortSignal) => {
    const before = viewOf(transcript, compactions);
    const compaction =
      step.how === 'summarized' ? { ...step, summary: await summarize(transcript, signal) } : step;
    const after = viewOf(transcript, [...compactions, compaction]);
    await ports.save(
      { kind: 'compaction', compaction, usage: spent },
      {
        type: 'Context: Compacted',
        how: compaction.how,
        tokensBefore: inputTokens,
        resultsCleared: resultsSeen(transcript, before) - resultsSeen(transcript, after),
        ...(compaction.how === 'summarized' && { summary: compaction.summary }),
      },
    );
    compactions.push(compaction);
    spent = noSpending;
  };

  const stepFor = (transcript: Transcript) =>
    nextStep({ transcript, compactions, inputTokensMax, tokensOf: sizeOf });

  const fit = async (transcript: Transcript, signal: AbortSignal) => {
    for (let step = stepFor(transcript); step !== undefined; step = stepFor(transcript)) {
      await take(step, transcript, signal);
    }
  };

  return {
    recall: (entries) => {
      for (const { compaction, usage } of entries) {
        compactions.push(compaction);
        ports.onUsage(usage);
      }
    },
    learn: work.add,
    measure: (transcript, reply) => {
      const { inputTokens: input, outputTokens: output } = reply.usageAlone ?? reply.usage;
      // Not every endpoint of this protocol counts.
      if (input === 0) return;
      const characters = charactersOf(requestOf(withReply(viewOf(transcript, compactions), reply.content)));
      last = { tokens: input + output, characters };
      inputTokens = input;
    },
    async ask(transcript, send, signal) {
      await fit(transcript, signal);
      for (;;) {
        const view = viewOf(transcript, compactions);
        const reply = await send(view);
        if (reply.stopReason !== 'context_full') return reply;
        inputTokensMax = Math.min(inputTokensMax, Math.floor(sizeOf(view) * refusedPart));
        if (stepFor(transcript) === undefined) return reply;
        spend(reply.usage);
        await fit(transcript, signal);
      }
    },
  };
};

const { turns: _, ...noSpending } = noUsage;

/** Of what was too long, so much may fit. */
const refusedPart = 0.9;
