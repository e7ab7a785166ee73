import type { Dialect, Said } from './compatible-endpoint.ts';

type Event = { type: string; [field: string]: unknown };

/** A gateway before models of many vendors: a path of its own, no pings, ids and usage as it has them. */
export const gateway: Dialect = {
  basePath: '/anthropic',
  keyIn: 'authorization',
  answer: (said, ids) =>
    [
      { type: 'message_start', message: { ...message, usage: { input_tokens: 0, output_tokens: 0 } } },
      ...blocks(said, ids).flatMap((block, index) => [
        { type: 'content_block_start', index, content_block: emptied(block) },
        // Repeated for every piece of the other vendor’s stream, whatever it holds.
        { type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json: '' } },
        { type: 'content_block_delta', index, delta: wholeDelta(block) },
        { type: 'content_block_stop', index },
      ]),
      {
        type: 'message_delta',
        delta: { stop_reason: ids.length > 0 ? 'tool_use' : 'end_turn' },
        usage: { input_tokens: 1200, output_tokens: 34 },
      },
      { type: 'message_stop' },
    ]
      .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
      .join(''),
};

/** A router to hosted models: CRLF, comments while it waits, blocks that nobody else has, and «[DONE]» at the end. */
export const router: Dialect = {
  basePath: '/api',
  shownPath: '/api/v1',
  keyIn: 'authorization',
  answer: (said, ids) => {
    const events: Event[] = [
      { type: 'message_start', message: { ...message, usage: null } },
      { type: 'content_block_start', index: 0, content_block: { type: 'routing_notice', host: 'eu' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'routing_delta', host: 'eu-2' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'cost_so_far', usd: 0.01 },
      ...blocks(said, ids).flatMap((block, at) => {
        const index = at + 1;
        return [
          { type: 'content_block_start', index, content_block: emptied(block) },
          { type: 'content_block_delta', index, delta: wholeDelta(block) },
          { type: 'content_block_stop', index },
        ];
      }),
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 34 } },
      { type: 'message_stop' },
    ];
    const lines = events.map(
      (event) => `: ROUTER PROCESSING\r\n\r\nevent: ${event.type}\r\ndata: ${JSON.stringify(event)}\r\n\r\n`,
    );
    return `${lines.join('')}event: data\r\ndata: [DONE]\r\n\r\n`;
  },
};

/**
 * A server of a local model: takes no field that it does not know, thinks in the open without a signature, names no
 * events, ends no blocks, counts no tokens and has the stop reasons of another protocol.
 */
export const localServer: Dialect = {
  basePath: '',
  keyIn: 'x-api-key',
  refused: ['thinking', 'output_config', 'cache_control'],
  refusal: (field) => ({ status: 422, body: { detail: `body.${field}: extra fields not permitted` } }),
  answer: (said, ids) =>
    [
      { type: 'message_start', message },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm.' } },
      ...blocks(said, ids).map((block, index) => ({
        type: 'content_block_start',
        index: index + 1,
        content_block: block,
      })),
      { type: 'message_delta', delta: { stop_reason: 'stop' } },
    ]
      .map((event) => `data:${JSON.stringify(event)}\n\n`)
      .join(''),
};

/** One that knows no streams: the message comes as a whole, although a stream was asked for. */
export const withoutStreams: Dialect = {
  basePath: '/models/7b',
  keyIn: 'x-api-key',
  answer: (said, ids) => ({
    ...message,
    content: blocks(said, ids),
    stop_reason: ids.length > 0 ? 'tool_use' : 'end_turn',
    usage: { input_tokens: 1200, output_tokens: 34 },
  }),
};

const message = { id: 'chatcmpl-1', type: 'message', role: 'assistant', content: [] };

const blocks = ({ text, calls = [] }: Said, ids: string[]) => [
  ...(text === undefined ? [] : [{ type: 'text' as const, text }]),
  ...calls.map((call, index) => ({ type: 'tool_use' as const, id: ids[index], ...call })),
];

type Block = ReturnType<typeof blocks>[number];

const emptied = (block: Block) => (block.type === 'text' ? { ...block, text: '' } : { ...block, input: {} });

const wholeDelta = (block: Block) =>
  block.type === 'text'
    ? { type: 'text_delta', text: block.text }
    : { type: 'input_json_delta', partial_json: JSON.stringify(block.input) };
