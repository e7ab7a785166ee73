import { plusCall } from '../domain/job-event.ts';
import type { ModelReply } from '../domain/model.ts';
import { costOf, type Prices, priceOf } from './prices.ts';
import type { StreamUsage } from './stream-event.ts';

type Usage = ModelReply['usage'];
type Counted = NonNullable<StreamUsage>;
type Priced = { model: string; prices?: Prices };

/** What the API has counted of one attempt, and what that costs. */
export const usageOf = (counted: Counted, { model, prices }: Priced): Usage => {
  const cacheReadTokens = counted.cache_read_input_tokens ?? 0;
  const cacheWriteTokens = counted.cache_creation_input_tokens ?? 0;
  const tokens = {
    inputTokens: (counted.input_tokens ?? 0) + cacheWriteTokens + cacheReadTokens,
    outputTokens: counted.output_tokens ?? 0,
    cacheReadTokens,
    cacheWriteTokens,
  };
  return { ...tokens, costUsd: costOf(priceOf(model, prices), tokens) };
};

/** What the failed attempts at one reply have used. */
export type Spent = {
  /** To be told of each attempt that has failed what the API had counted by then. */
  add(counted: Counted): void;
  /** The reply that came in the end, with what went before it. */
  addTo(reply: ModelReply): ModelReply;
  /** undefined when it is nothing, as far as anybody knows. */
  readonly usage: Usage | undefined;
};

/**
 * Only what was counted is in the sum: the API counts the input when a reply begins and the output when it ends, so that
 * of the output of a reply that was cut hardly anything is.
 */
export const createSpent = (priced: Priced): Spent => {
  let sum: Usage | undefined;
  return {
    add(counted) {
      const usage = usageOf(counted, priced);
      // What was refused, or cut before it began, has no cost that could be unknown.
      if (usage.inputTokens + usage.outputTokens === 0) return;
      sum = sum ? plusCall(sum, usage) : usage;
    },
    addTo: (reply) =>
      sum ? { ...reply, usage: plusCall(sum, reply.usage), usageAlone: reply.usage } : reply,
    get usage() {
      return sum;
    },
  };
};
