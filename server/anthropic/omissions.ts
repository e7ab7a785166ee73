import type Anthropic from '@anthropic-ai/sdk';
import { APIError } from '@anthropic-ai/sdk';
import type { ModelRequest, ReplyBlock } from '../domain/model.ts';
import { statusOf } from './failure.ts';

/** What makes a request better or cheaper, and what not every model, and not every endpoint of this protocol, takes. */
type OptionalPart = 'thinking' | 'effort' | 'caching';

type Params = Anthropic.MessageCreateParamsNonStreaming;

/** What requests are to be made without, as the endpoint's refusals have taught. */
export type Omissions = {
  has(part: OptionalPart): boolean;
  /** Whether the model must not be shown this thinking again. */
  hasBlock(block: ReplyBlock): boolean;
  /** What is left out from now on, when the refused request may be taken without it; else undefined. */
  learn(error: Error, params: Params, request: ModelRequest): string | undefined;
};

export const createOmissions = (): Omissions => {
  const parts = new Set<OptionalPart>();
  const blocks = new WeakSet<ReplyBlock>();

  /** Whether there was any left. */
  const leaveOutThinking = ({ transcript }: ModelRequest): boolean => {
    const shown = transcript
      .flatMap((message) => (message.role === 'assistant' ? message.content : []))
      .filter(({ type }) => type === 'thinking' || type === 'redacted_thinking')
      .filter((block) => !blocks.has(block));
    for (const block of shown) blocks.add(block);
    return shown.length > 0;
  };

  return {
    has: (part) => parts.has(part),
    hasBlock: (block) => blocks.has(block),
    learn(error, params, request) {
      if (!(error instanceof APIError)) return undefined;
      const status = statusOf(error);
      if (status !== 400 && status !== 422) return undefined;
      if (isUnusableThinking.test(error.message)) {
        return leaveOutThinking(request) ? 'earlier thinking' : undefined;
      }
      const part = optionalParts.find(({ isIn, isRefusedBy }) => isIn(params) && isRefusedBy(error.message));
      if (part) parts.add(part.name);
      return part?.name;
    },
  };
};

/**
 * Newer models take their thinking back only behind the very same system prompt, tools and messages: it is lost when a
 * conversation is made shorter, or goes on with another release of this server. What they think from then on counts
 * again: platform.claude.com/docs/en/build-with-claude/preserved-thinking.
 */
const isUnusableThinking = /invalid `?(?:signature|data)`? in `?(?:redacted_)?thinking`?/i;

/** In this order: who refuses thinking says that effort is the way to control it. */
const optionalParts: readonly {
  name: OptionalPart;
  isIn(params: Params): boolean;
  isRefusedBy(words: string): boolean;
}[] = [
  {
    name: 'caching',
    isIn: (params) => promptBlocks(params).some((block) => block.cache_control !== undefined),
    isRefusedBy: (words) => /\bcache_control\b/.test(words) && !/maximum of/.test(words),
  },
  {
    name: 'thinking',
    isIn: ({ thinking }) => thinking !== undefined,
    // What is said of thinking blocks is about the conversation.
    isRefusedBy: (words) => /\bthinking\b/i.test(words) && !/messages\.\d|\bblocks?\b/.test(words),
  },
  {
    name: 'effort',
    isIn: ({ output_config }) => output_config !== undefined,
    isRefusedBy: (words) => /\boutput_config\b|\beffort\b/i.test(words),
  },
];

const promptBlocks = ({ tools = [], system = [], messages }: Params): { cache_control?: unknown }[] =>
  [tools, system, ...messages.map(({ content }) => content)].flatMap((part) =>
    typeof part === 'string' ? [] : (part as { cache_control?: unknown }[]),
  );
