import Anthropic from '@anthropic-ai/sdk';
import { z } from 'zod';

/**
 * The events of a streamed reply, as far as they are used. Whoever else speaks this protocol leaves out what it does not
 * have and adds what we do not know, so that nothing is asked for but what a reply cannot be understood without.
 */
export type StreamEvent = z.infer<typeof streamEvent>;
export type StreamUsage = z.infer<typeof usage>;

/** undefined for what is no event of a reply: pings, and whatever else an endpoint says in between. */
export const readEvent = (event: unknown): StreamEvent | undefined => {
  if (!isEvent(event)) return undefined;
  const parsed = streamEvent.safeParse(event);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join('.');
  throw new Anthropic.AnthropicError(`an event ${event.type} of the reply cannot be read (${where})`);
};

/** The events that would have told a reply which came in one piece. */
export const eventsOf = (message: unknown): StreamEvent[] => {
  const parsed = wholeMessage.safeParse(message);
  if (!parsed.success) throw new Anthropic.AnthropicError('the answer is neither a stream nor a message');
  const { content, stop_reason, usage } = parsed.data;
  return [
    { type: 'message_start', message: { usage } },
    ...content.map((content_block, index) => ({
      type: 'content_block_start' as const,
      index,
      content_block,
    })),
    { type: 'message_delta', delta: { stop_reason }, usage },
    { type: 'message_stop' },
  ];
};

const isEvent = (event: unknown): event is { type: string } =>
  typeof event === 'object' && event !== null && 'type' in event && eventTypes.has(String(event.type));

const tokens = z.number().nullish();
const usage = z
  .object({
    input_tokens: tokens,
    output_tokens: tokens,
    cache_creation_input_tokens: tokens,
    cache_read_input_tokens: tokens,
  })
  .nullish();

const index = z.number();
const stopReason = z.string().nullish();

/** Blocks of other types, which no request asks for, are kept as nothing. */
const block = z.union([
  z.object({ type: z.literal('text'), text: z.string().nullish() }),
  z.object({
    type: z.literal('thinking'),
    thinking: z.string().nullish(),
    signature: z.string().nullish(),
  }),
  z.object({ type: z.literal('redacted_thinking'), data: z.string() }),
  z.object({ type: z.literal('tool_use'), id: z.string().min(1), name: z.string(), input: z.unknown() }),
  z.object({ type: z.string().refine((type) => !blockTypes.has(type)) }).transform(() => undefined),
]);
const blockTypes = new Set(['text', 'thinking', 'redacted_thinking', 'tool_use']);

const delta = z.union([
  z.object({ type: z.literal('text_delta'), text: z.string() }),
  z.object({ type: z.literal('thinking_delta'), thinking: z.string() }),
  z.object({ type: z.literal('signature_delta'), signature: z.string() }),
  z.object({ type: z.literal('input_json_delta'), partial_json: z.string() }),
  z.object({ type: z.string().refine((type) => !deltaTypes.has(type)) }).transform(() => undefined),
]);
const deltaTypes = new Set(['text_delta', 'thinking_delta', 'signature_delta', 'input_json_delta']);

const streamEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('message_start'), message: z.object({ usage }) }),
  z.object({ type: z.literal('content_block_start'), index, content_block: block }),
  z.object({ type: z.literal('content_block_delta'), index, delta }),
  z.object({ type: z.literal('content_block_stop'), index }),
  z.object({ type: z.literal('message_delta'), delta: z.object({ stop_reason: stopReason }), usage }),
  z.object({ type: z.literal('message_stop') }),
]);
const eventTypes: ReadonlySet<string> = new Set(streamEvent.options.map(({ shape }) => shape.type.value));

const wholeMessage = z.object({ content: z.array(block), stop_reason: stopReason, usage });
