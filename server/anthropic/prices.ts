import type { Usage } from '../domain/job-event.ts';

/** US dollars for a million tokens of each kind. */
type Price = {
  /** Input that was neither read from the cache nor written to it. */
  input: number;
  output: number;
  /** Input that was written to the cache, for the five minutes that we ask for. */
  cacheWrite: number;
  cacheRead: number;
};

/** By the model's name, over the table below. */
export type Prices = Readonly<Record<string, Price>>;

type ListPrice = Price & {
  /** What all tokens of a request cost whose input, cached or not, is longer than this. */
  longInput?: Price & { tokensAbove: number };
};

/** What a model's tokens cost; undefined when nobody has said so, which is something else than nothing. */
export const priceOf = (model: string, given: Prices = {}): ListPrice | undefined =>
  own(given, model) ?? own(given, undated(model)) ?? own(listPrices, undated(model));

/** Of one reply. Unknown as well when the endpoint counts no tokens. */
export const costOf = (
  price: ListPrice | undefined,
  tokens: Omit<Usage, 'turns' | 'costUsd'>,
): Usage['costUsd'] => {
  if (price === undefined || tokens.inputTokens + tokens.outputTokens === 0) return 'unknown';
  const { longInput } = price;
  const { input, output, cacheWrite, cacheRead } =
    longInput !== undefined && tokens.inputTokens > longInput.tokensAbove ? longInput : price;
  const uncached = tokens.inputTokens - tokens.cacheReadTokens - tokens.cacheWriteTokens;
  const millionths =
    uncached * input +
    tokens.cacheWriteTokens * cacheWrite +
    tokens.cacheReadTokens * cacheRead +
    tokens.outputTokens * output;
  // Without the noise of binary fractions: no token costs less than this.
  return Math.round(millionths * 1e4) / 1e10;
};

/** `claude-x-20261001` costs what `claude-x` does. */
const undated = (model: string): string => model.replace(/-\d{8}$/, '');

const own = <Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

const fable5: Price = { input: 10, output: 50, cacheWrite: 12.5, cacheRead: 1 };
const fable51: Price = { ...fable5, cacheRead: 0.25 };
const opus5: Price = { input: 5, output: 25, cacheWrite: 6.25, cacheRead: 0.5 };
const sonnet4: Price = { input: 3, output: 15, cacheWrite: 3.75, cacheRead: 0.3 };

/**
 * Anthropic's own prices, from platform.claude.com/docs/en/about-claude/pricing and the pages of the models, as read in
 * November 2026. Whose price is not there, as that of claude-mythos-5-2 and claude-mythos-preview, is left out.
 */
const listPrices: Readonly<Record<string, ListPrice>> = {
  'claude-fable-5-2': { input: 8, output: 40, cacheWrite: 10, cacheRead: 0.2 },
  'claude-fable-5-1': fable51,
  'claude-mythos-5-1': fable51,
  'claude-fable-5': fable5,
  'claude-mythos-5': fable5,
  'claude-opus-5-5': { input: 4, output: 20, cacheWrite: 5, cacheRead: 0.2 },
  'claude-opus-5': opus5,
  'claude-opus-4-8': opus5,
  'claude-opus-4-7': opus5,
  'claude-opus-4-6': opus5,
  'claude-opus-4-5': opus5,
  'claude-sonnet-5-5': { input: 2, output: 10, cacheWrite: 2.5, cacheRead: 0.1 },
  'claude-sonnet-5': { input: 2, output: 10, cacheWrite: 2.5, cacheRead: 0.2 },
  'claude-sonnet-4-6': sonnet4,
  'claude-sonnet-4-5': sonnet4,
  'claude-haiku-5-5': {
    ...{ input: 0.1, output: 0.5, cacheWrite: 0.125, cacheRead: 0.01 },
    longInput: { tokensAbove: 100_000, input: 0.5, output: 2.5, cacheWrite: 0.625, cacheRead: 0.05 },
  },
  'claude-haiku-4-5': { input: 1, output: 5, cacheWrite: 1.25, cacheRead: 0.1 },
};
