import { createHash } from 'node:crypto';
import type Anthropic from '@anthropic-ai/sdk';
import { conversationOf } from './conversation.ts';
import type { MessagesRequest } from './scenario.ts';

/** A piece of the prompt, in the order in which the real cache hashes it: tools, system, messages. */
type PromptBlock = { text: string; marked: boolean };

export type InputUsage = Pick<
  Anthropic.Messages.Usage,
  'input_tokens' | 'cache_read_input_tokens' | 'cache_creation_input_tokens' | 'cache_creation'
>;

/**
 * Counts input tokens as characters / 4 and remembers prompts up to their breakpoints, as the real cache does: what an
 * earlier request of this model has cached is read, what lies between that and the last breakpoint is written, the
 * rest is plain input. What was cached is found at a breakpoint or at most 20 blocks before one. Left out for
 * simplicity: expiry and the minimum length.
 */
export const createPromptCache = () => {
  const cached = new Set<string>();
  return {
    usageOf(request: MessagesRequest): InputUsage {
      const blocks = blocksOfRequest(request);
      const hashes = prefixHashes(request.model, blocks);
      const last = request.cache_control ? blocks.length - 1 : blocks.findLastIndex((block) => block.marked);
      const places = [...blocks.flatMap(({ marked }, index) => (marked ? [index] : [])), last];
      const isLookedAt = (index: number) =>
        places.some((place) => index <= place && index >= place - lookBackBlocks);
      const hit = hashes.findLastIndex((hash, index) => isLookedAt(index) && cached.has(hash));
      for (const [index, hash] of hashes.entries()) {
        if (index === last || (index < last && blocks[index]?.marked)) cached.add(hash);
      }
      const written = tokens(blocks.slice(hit + 1, last + 1));
      return {
        input_tokens: tokens(blocks.slice(last + 1)),
        cache_read_input_tokens: tokens(blocks.slice(0, hit + 1)),
        cache_creation_input_tokens: written,
        cache_creation: { ephemeral_5m_input_tokens: written, ephemeral_1h_input_tokens: 0 },
      };
    },
  };
};

const lookBackBlocks = 20;

export const blocksOfRequest = (request: MessagesRequest): PromptBlock[] => {
  const system =
    typeof request.system === 'string' ? [{ type: 'text', text: request.system }] : request.system;
  const messages = conversationOf(request).flatMap(({ role, blocks }) =>
    blocks.map((block) => ({ role, ...block })),
  );
  return [...(request.tools ?? []), ...(system ?? []), ...messages].map(promptBlock);
};

/** Of the whole prompt, and of what stands in it before a message (by its place in the request). */
export const promptHashes = (request: MessagesRequest): { whole: string; before(at: number): string } => {
  const hashes = ['', ...prefixHashes('', blocksOfRequest(request))];
  const said = conversationOf(request);
  let index = hashes.length - 1 - said.reduce((sum, { blocks }) => sum + blocks.length, 0);
  const before = new Map<number, string>();
  for (const { at, blocks } of said) {
    before.set(at, hashes[index] ?? '');
    index += blocks.length;
  }
  return { whole: hashes.at(-1) ?? '', before: (at) => before.get(at) ?? '' };
};

/** The breakpoint itself is no part of the prompt: it moves on with each request while the text stays. */
const promptBlock = (block: object): PromptBlock => {
  const { cache_control: marked, ...rest } = block as { cache_control?: unknown };
  return { text: JSON.stringify(rest), marked: marked !== undefined && marked !== null };
};

const prefixHashes = (model: string, blocks: PromptBlock[]): string[] => {
  let prefix = createHash('sha256').update(model).digest('hex');
  return blocks.map(({ text }) => {
    prefix = createHash('sha256').update(prefix).update(text).digest('hex');
    return prefix;
  });
};

const tokens = (blocks: PromptBlock[]): number =>
  Math.ceil(blocks.reduce((characters, { text }) => characters + text.length, 0) / 4);
