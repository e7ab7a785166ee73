import type Anthropic from '@anthropic-ai/sdk';
import { APIError } from '@anthropic-ai/sdk';
import { statusOf } from './failure.ts';

/** What makes a request better or cheaper, and what not every model, and not every endpoint of this protocol, takes. */
export type OptionalPart = 'thinking' | 'effort' | 'caching';

type Params = Anthropic.MessageCreateParamsNonStreaming;

/** The part for which this request was refused: the same one without it may be taken. */
export const refusedPart = (error: Error, params: Params): OptionalPart | undefined => {
  if (!(error instanceof APIError)) return undefined;
  const status = statusOf(error);
  if (status !== 400 && status !== 422) return undefined;
  const words = error.message;
  return parts.find(({ isIn, isRefusedBy }) => isIn(params) && isRefusedBy(words))?.name;
};

/** In this order: who refuses thinking says that effort is the way to control it. */
const parts: readonly {
  name: OptionalPart;
  isIn(params: Params): boolean;
  isRefusedBy(words: string): boolean;
}[] = [
  {
    name: 'caching',
    isIn: ({ tools, system, messages }) =>
      JSON.stringify([tools, system, messages]).includes('"cache_control":{'),
    isRefusedBy: (words) => /\bcache_control\b/.test(words) && !/maximum of/.test(words),
  },
  {
    name: 'thinking',
    isIn: ({ thinking }) => thinking !== undefined,
    // What is said of thinking blocks is about the conversation, which nothing would mend.
    isRefusedBy: (words) => /\bthinking\b/i.test(words) && !/messages\.\d|\bblocks?\b/.test(words),
  },
  {
    name: 'effort',
    isIn: ({ output_config }) => output_config !== undefined,
    isRefusedBy: (words) => /\boutput_config\b|\beffort\b/i.test(words),
  },
];
