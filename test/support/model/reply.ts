import { createHash } from 'node:crypto';
import type Anthropic from '@anthropic-ai/sdk';
import { type InputUsage, promptHashes } from './prompt-cache.ts';
import type { Block, MessagesRequest, Turn } from './scenario.ts';

type Message = Anthropic.Messages.Message;
type ContentBlock = Anthropic.Messages.ContentBlock;
type ThinkingBlock = Anthropic.Messages.ThinkingBlockParam;

/** Remembers which thinking belongs to which tool call, to find thinking that a client has dropped. */
export type IssuedReplies = {
  remember(message: Message): void;
  /** The thinking of the reply that made this tool call; undefined when another server (or a test) made it. */
  thinkingOf(toolUseId: string): ThinkingBlock[] | undefined;
};

/**
 * The newest models take thinking back only behind what it was said behind: `before` is all of the prompt up to the
 * message that holds it.
 */
export const isGenuine = ({ thinking, signature }: ThinkingBlock, before: string): boolean =>
  signature === sign(thinking, before);

/** Signed behind some other prompt, or by nobody. */
export const isSigned = ({ thinking, signature }: ThinkingBlock): boolean =>
  signature.startsWith(seal(thinking));

export const createIssuedReplies = (): IssuedReplies => {
  const thinkingByCall = new Map<string, ThinkingBlock[]>();
  return {
    remember: ({ content }) => {
      for (const block of content) {
        if (block.type === 'tool_use') thinkingByCall.set(block.id, thinkingIn(content));
      }
    },
    thinkingOf: (toolUseId) => thinkingByCall.get(toolUseId),
  };
};

export const thinkingIn = (
  blocks: (Anthropic.Messages.ContentBlockParam | ContentBlock)[],
): ThinkingBlock[] => blocks.filter((block) => block.type === 'thinking');

/**
 * Ids are fresh in every reply, also after a restart of the server in the middle of a conversation, and the same in
 * every run of a test: they are hashed from the request and its number.
 */
export const buildMessage = (
  turn: Turn,
  blocks: Block[],
  request: MessagesRequest,
  input: InputUsage,
  requestNumber: number,
): Message => {
  const seed = `${requestNumber}\n${JSON.stringify(request.messages)}`;
  const content = blocks
    .filter((block) => block.type !== 'thinking' || request.thinking?.type !== 'disabled')
    .map((block, index) => contentBlock(block, request, `${seed}\n${index}`));
  const stopReason =
    turn.stopReason ?? (blocks.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn');
  return {
    id: `msg_01${id(seed)}`,
    type: 'message',
    role: 'assistant',
    model: request.model,
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    stop_details: stopReason === 'refusal' ? { type: 'refusal', category: null, explanation: null } : null,
    container: null,
    diagnostics: null,
    usage: {
      ...input,
      output_tokens: outputTokens(blocks),
      output_tokens_details: {
        thinking_tokens: outputTokens(blocks.filter(({ type }) => type === 'thinking')),
      },
      inference_geo: null,
      server_tool_use: null,
      service_tier: 'standard',
      speed: null,
    },
  };
};

const contentBlock = (block: Block, request: MessagesRequest, seed: string): ContentBlock => {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text, citations: null };
    case 'tool_use':
      return { ...block, id: `toolu_01${id(seed)}`, caller: { type: 'direct' } };
    case 'thinking': {
      const { thinking: config } = request;
      // Today's models return the text only to those who ask for it.
      const shown = config !== undefined && 'display' in config && config.display === 'summarized';
      const thinking = shown ? block.thinking : '';
      return { type: 'thinking', thinking, signature: sign(thinking, promptHashes(request).whole) };
    }
  }
};

const id = (seed: string): string => createHash('sha256').update(seed).digest('hex').slice(0, 22);

const sign = (thinking: string, before: string): string =>
  `${seal(thinking)}${createHash('sha256').update(`${thinking}\n${before}`).digest('base64')}`;

const seal = (thinking: string): string =>
  createHash('sha512').update(`thinking:${thinking}`).digest('base64');

/** Characters / 4, thinking that is not shown included: it is billed all the same. */
const outputTokens = (blocks: Block[]): number =>
  Math.ceil(blocks.reduce((characters, block) => characters + JSON.stringify(block).length, 0) / 4);
