import type Anthropic from '@anthropic-ai/sdk';

type Message = Anthropic.Messages.Message;
type ContentBlock = Anthropic.Messages.ContentBlock;

/** The SDK's type knows no ping: its stream swallows them. */
export type StreamEvent = Anthropic.Messages.RawMessageStreamEvent | { type: 'ping' };

/** The events that the real API sends for this message, in its order. */
export function* messageEvents(message: Message): Generator<StreamEvent> {
  const { usage } = message;
  yield {
    type: 'message_start',
    message: {
      ...message,
      content: [],
      stop_reason: null,
      stop_details: null,
      usage: { ...usage, output_tokens: 1, output_tokens_details: null },
    },
  };
  for (const [index, block] of message.content.entries()) {
    yield { type: 'content_block_start', index, content_block: emptied(block) };
    if (index === 0) yield { type: 'ping' };
    for (const delta of deltas(block)) yield { type: 'content_block_delta', index, delta };
    yield { type: 'content_block_stop', index };
  }
  yield {
    type: 'message_delta',
    delta: {
      stop_reason: message.stop_reason,
      stop_sequence: message.stop_sequence,
      stop_details: message.stop_details,
      container: message.container,
    },
    usage: {
      input_tokens: usage.input_tokens,
      cache_creation_input_tokens: usage.cache_creation_input_tokens,
      cache_read_input_tokens: usage.cache_read_input_tokens,
      output_tokens: usage.output_tokens,
      output_tokens_details: usage.output_tokens_details,
      server_tool_use: usage.server_tool_use,
    },
  };
  yield { type: 'message_stop' };
}

const emptied = (block: ContentBlock): ContentBlock => {
  if (block.type === 'text') return { ...block, text: '' };
  if (block.type === 'thinking') return { ...block, thinking: '', signature: '' };
  if (block.type === 'tool_use') return { ...block, input: {} };
  return block;
};

const deltas = (block: ContentBlock): Anthropic.Messages.RawContentBlockDelta[] => {
  if (block.type === 'text') return pieces(block.text).map((text) => ({ type: 'text_delta', text }));
  if (block.type === 'thinking') {
    return [
      ...pieces(block.thinking).map((thinking) => ({ type: 'thinking_delta' as const, thinking })),
      { type: 'signature_delta', signature: block.signature },
    ];
  }
  if (block.type === 'tool_use') {
    // The real stream opens the input with an empty piece.
    return ['', ...pieces(JSON.stringify(block.input))].map((json) => ({
      type: 'input_json_delta',
      partial_json: json,
    }));
  }
  return [];
};

const pieceCharactersMin = 24;
const piecesMax = 200;

/** Whole code points: half a surrogate pair would not survive the way through UTF-8. */
const pieces = (text: string): string[] => {
  const characters = Math.max(pieceCharactersMin, Math.ceil(text.length / piecesMax));
  return text.match(new RegExp(`[^]{1,${characters}}`, 'gu')) ?? [];
};
