import type Anthropic from '@anthropic-ai/sdk';
import type { Message, ModelReply, ModelRequest } from '../domain/model.ts';
import type { RawReply } from './assemble.ts';
import type { Omissions } from './omissions.ts';
import type { Prices } from './prices.ts';
import { usageOf } from './usage.ts';

export type RequestOptions = {
  /** A model name of the API. */
  model: string;
  /** Without it the model's own default. */
  effort?: 'low' | 'medium' | 'high' | 'xhigh' | 'max';
  /** Adaptive thinking, shown as summaries. */
  thinking: boolean;
  /** Of one reply, thinking included. */
  outputTokensMax: number;
  /** Over the prices that are known. */
  prices?: Prices;
};

/**
 * A request in the API's words. It has the four cache breakpoints that the API allows: behind the tools (the same for
 * all jobs), behind the system prompt (the same for all turns), and behind the last two user messages. The last one
 * writes what the next turn reads; the one before it makes sure of the hit, because the API looks only some twenty
 * blocks back from a breakpoint, and a turn with many tool calls has more.
 */
export const toParams = (
  options: RequestOptions,
  request: ModelRequest,
  without: Omissions,
): Anthropic.MessageCreateParamsNonStreaming => {
  const mark = without.has('caching') ? {} : { cache_control: breakpoint };
  const { effort } = options;
  return {
    model: options.model,
    max_tokens: options.outputTokensMax,
    ...(without.has('thinking') ? {} : { thinking: toThinking(options) }),
    ...(effort === undefined || without.has('effort') ? {} : { output_config: { effort } }),
    ...(request.system === '' ? {} : { system: [{ type: 'text' as const, text: request.system, ...mark }] }),
    ...(request.tools.length === 0 ? {} : { tools: toTools(request, mark) }),
    messages: toMessages(request, mark, without),
  };
};

export const toReply = (raw: RawReply, options: RequestOptions): ModelReply => {
  const { content, usage } = raw;
  return { content, stopReason: toStopReason(raw), usage: usageOf(usage, options) };
};

const breakpoint: Anthropic.CacheControlEphemeral = { type: 'ephemeral' };
type Mark = { cache_control?: Anthropic.CacheControlEphemeral };

const toThinking = ({ thinking }: RequestOptions): Anthropic.ThinkingConfigParam =>
  thinking ? { type: 'adaptive', display: 'summarized' } : { type: 'disabled' };

const toTools = ({ tools }: ModelRequest, mark: Mark): Anthropic.Tool[] =>
  tools.map((tool, index) => ({
    name: tool.name,
    description: tool.description,
    input_schema: { ...tool.inputSchema, type: 'object' },
    ...(index === tools.length - 1 ? mark : {}),
  }));

/** Whatever is left without content goes: the API refuses it, and joins the neighbours by itself. */
const toMessages = (
  { transcript }: ModelRequest,
  mark: Mark,
  without: Omissions,
): Anthropic.MessageParam[] => {
  const messages = transcript
    .map((message) => toMessage(message, without))
    .filter(({ content }) => content.length > 0);
  for (const message of messages.filter(({ role }) => role === 'user').slice(-2)) {
    const last = message.content.at(-1);
    if (last?.type === 'text' || last?.type === 'tool_result') Object.assign(last, mark);
  }
  return messages;
};

type MessageParam = { role: 'user' | 'assistant'; content: Anthropic.ContentBlockParam[] };

const toMessage = ({ role, content }: Message, without: Omissions): MessageParam => ({
  role,
  content: content
    // The API refuses a text without a visible character, although the model may say one.
    .filter((block) => block.type !== 'text' || block.text.trim() !== '')
    .filter((block) => block.type === 'tool_result' || !without.hasBlock(block))
    .map(toBlockParam),
});

const toBlockParam = (block: Message['content'][number]): Anthropic.ContentBlockParam => {
  if (block.type !== 'tool_result') return { ...block };
  const { toolUseId, content, isError } = block;
  return { type: 'tool_result', tool_use_id: toolUseId, content, is_error: isError };
};

/** Other endpoints have words of their own, and some say «end_turn» behind a call. */
const toStopReason = ({ stopReason, content }: RawReply): ModelReply['stopReason'] => {
  switch (stopReason) {
    case 'end_turn':
    case 'tool_use':
    case 'max_tokens':
    case 'pause_turn':
    case 'refusal':
      return stopReason;
    case 'length':
      return 'max_tokens';
    case 'model_context_window_exceeded':
      return 'context_full';
    case undefined:
      return 'other';
    default:
      return content.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn';
  }
};
