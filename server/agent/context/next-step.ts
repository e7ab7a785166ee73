import type { Transcript } from '../../domain/model.ts';
import type { Compaction } from '../../domain/transcript.ts';
import { resultsOf, viewOf } from './view-of.ts';

type Clearing = Extract<Compaction, { how: 'results_cleared' }>;
/** The summary itself is still to be written. */
type Summarizing = Omit<Extract<Compaction, { how: 'summarized' }>, 'summary'>;
export type Step = Clearing | Summarizing;

type Situation = {
  transcript: Transcript;
  compactions: readonly Compaction[];
  inputTokensMax: number;
  /** Of a request with this view of the transcript. */
  tokensOf(view: Transcript): number;
};

/** Parts of the tokens that a request may have. From here on old results go, in one batch … */
const clearFrom = 0.6;
/** … if no more than this is left then: with each batch the API's cache begins anew, so it must last for some turns. */
const clearTo = 0.4;
const summarizeFrom = 0.8;
/** The newest turns stay whole as far as they fit into this part. */
const tailPart = 0.2;

/**
 * What to leave out next, so that the next request fits; undefined when it does, or when nothing is left that could be
 * left out. To be asked again after each step.
 */
export const nextStep = (situation: Situation): Step | undefined => {
  const { transcript, compactions, inputTokensMax } = situation;
  const tokensAfter = (...steps: Compaction[]) =>
    situation.tokensOf(viewOf(transcript, [...compactions, ...steps]));

  const tokens = tokensAfter();
  if (tokens < clearFrom * inputTokensMax) return undefined;
  const tail = tailOf(situation, tokens);
  const results = resultsOf(transcript.slice(0, tail)).length;
  const messages = transcript.length;
  const old: Clearing = {
    how: 'results_cleared',
    results: Math.max(results, clearedBy(compactions)),
    messages,
  };
  if (tokensAfter(old) <= clearTo * inputTokensMax) return old;
  if (tokens > inputTokensMax) {
    // Not even a summary could be asked for.
    const fewest = fewestResults(
      old,
      resultsOf(transcript).length,
      (clearing) => tokensAfter(clearing) <= inputTokensMax,
    );
    if (tokensAfter(fewest) < tokens) return fewest;
  }
  if (tokens < summarizeFrom * inputTokensMax || tail <= firstTurn(situation)) return undefined;
  return { how: 'summarized', before: tail, messages };
};

/** Where the newest turns begin. The last one is among them whatever its size: the model has not seen its results yet. */
const tailOf = (situation: Situation, tokens: number): number => {
  const { transcript, compactions, inputTokensMax, tokensOf } = situation;
  const view = viewOf(transcript, compactions);
  const first = firstTurn(situation);
  const fits = (turn: number) =>
    tokens - tokensOf(view.slice(0, turn - transcript.length)) <= tailPart * inputTokensMax;
  const turns = transcript.flatMap(({ role }, at) => (role === 'assistant' && at >= first ? [at] : []));
  return turns.find(fits) ?? turns.at(-1) ?? first;
};

/** Behind the job, or behind its summary. */
const firstTurn = ({ compactions }: Situation): number =>
  compactions.findLast((compaction) => compaction.how === 'summarized')?.before ?? 1;

const clearedBy = (compactions: readonly Compaction[]): number =>
  compactions.findLast((compaction) => compaction.how === 'results_cleared')?.results ?? 0;

const fewestResults = (from: Clearing, max: number, fits: (clearing: Clearing) => boolean): Clearing => {
  let clearing = from;
  while (clearing.results < max && !fits(clearing)) clearing = { ...clearing, results: clearing.results + 1 };
  return clearing;
};
