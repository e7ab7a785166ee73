import type Anthropic from '@anthropic-ai/sdk';
import type { Message, ModelReply, ModelRequest, ReplyBlock } from '../domain/model.ts';

export type RequestOptions = {
  /** A model name of the API. */
  model: string;
  /** Without it the model's own default. */
  effort?: 'low' | 'medium' | 'high' | 'xhigh' | 'max';
  /** Adaptive thinking, shown as summaries. */
  thinking: boolean;
  /** Of one reply, thinking included. */
  outputTokensMax: number;
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
): Anthropic.MessageCreateParamsNonStreaming => ({
  model: options.model,
  max_tokens: options.outputTokensMax,
  thinking: options.thinking ? { type: 'adaptive', display: 'summarized' } : { type: 'disabled' },
  ...(options.effort === undefined ? {} : { output_config: { effort: options.effort } }),
  ...(request.system === ''
    ? {}
    : { system: [{ type: 'text' as const, text: request.system, cache_control: breakpoint }] }),
  ...(request.tools.length === 0 ? {} : { tools: toTools(request) }),
  messages: toMessages(request),
});

export const toReply = (message: Anthropic.Message): ModelReply => {
  const tokens = {
    inputTokens:
      message.usage.input_tokens +
      (message.usage.cache_creation_input_tokens ?? 0) +
      (message.usage.cache_read_input_tokens ?? 0),
    outputTokens: message.usage.output_tokens,
    cacheReadTokens: message.usage.cache_read_input_tokens ?? 0,
    cacheWriteTokens: message.usage.cache_creation_input_tokens ?? 0,
  };
  return {
    content: message.content.flatMap(toReplyBlock),
    stopReason: toStopReason(message.stop_reason),
    usage: { ...tokens, costUsd: 'unknown' },
  };
};

const breakpoint: Anthropic.CacheControlEphemeral = { type: 'ephemeral' };

const toTools = ({ tools }: ModelRequest): Anthropic.Tool[] =>
  tools.map((tool, index) => ({
    name: tool.name,
    description: tool.description,
    input_schema: { ...tool.inputSchema, type: 'object' },
    ...(index === tools.length - 1 ? { cache_control: breakpoint } : {}),
  }));

/** Whatever is left without content goes: the API refuses it, and joins the neighbours by itself. */
const toMessages = ({ transcript }: ModelRequest): Anthropic.MessageParam[] => {
  const messages = transcript.map(toMessage).filter(({ content }) => content.length > 0);
  for (const message of messages.filter(({ role }) => role === 'user').slice(-2)) {
    const last = message.content.at(-1);
    if (last?.type === 'text' || last?.type === 'tool_result') last.cache_control = breakpoint;
  }
  return messages;
};

type MessageParam = { role: 'user' | 'assistant'; content: Anthropic.ContentBlockParam[] };

const toMessage = (message: Message): MessageParam => ({
  role: message.role,
  // The API refuses a text without a visible character, although the model may say one.
  content: message.content
    .filter((block) => block.type !== 'text' || block.text.trim() !== '')
    .map(toBlockParam),
});

const toBlockParam = (block: Message['content'][number]): Anthropic.ContentBlockParam => {
  if (block.type !== 'tool_result') return { ...block };
  const { toolUseId, content, isError } = block;
  return { type: 'tool_result', tool_use_id: toolUseId, content, is_error: isError };
};

/** Blocks of server-side tools never come, because no request offers any. */
const toReplyBlock = (block: Anthropic.ContentBlock): ReplyBlock[] => {
  if (block.type === 'text') return [{ type: 'text', text: block.text }];
  if (block.type === 'thinking') {
    return [{ type: 'thinking', thinking: block.thinking, signature: block.signature }];
  }
  if (block.type === 'redacted_thinking') return [{ type: 'redacted_thinking', data: block.data }];
  if (block.type === 'tool_use') {
    return [{ type: 'tool_use', id: block.id, name: block.name, input: block.input }];
  }
  return [];
};

const toStopReason = (reason: Anthropic.StopReason | null): ModelReply['stopReason'] => {
  switch (reason) {
    case 'end_turn':
    case 'tool_use':
    case 'max_tokens':
    case 'pause_turn':
    case 'refusal':
      return reason;
    case 'model_context_window_exceeded':
      return 'context_full';
    case 'stop_sequence':
    case null:
      return 'other';
  }
};
