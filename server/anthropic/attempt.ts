import Anthropic, { type Middleware } from '@anthropic-ai/sdk';
import type { ModelDelta, ModelReply } from '../domain/model.ts';
import { toReply } from './messages.ts';

export type AttemptLimits = {
  /** From the request to the reply's last event. */
  requestTimeoutMs: number;
  /** Between any two events of the API, its pings included, and before the first. */
  idleTimeoutMs: number;
};

/**
 * One request, streamed. Whatever goes wrong on the wire rejects with an AnthropicError; an abort rejects with the
 * signal's reason, and in either case the connection is closed.
 */
export const attemptReply = async (
  client: Anthropic,
  params: Anthropic.MessageCreateParamsNonStreaming,
  onDelta: (delta: ModelDelta) => void,
  limits: AttemptLimits,
  signal: AbortSignal,
): Promise<ModelReply> => {
  signal.throwIfAborted();
  using watchdog = watch(limits);
  const stream = client.messages.stream(params, {
    signal: AbortSignal.any([signal, watchdog.signal]),
    middleware: [watchdog.middleware],
  });
  try {
    for await (const event of stream) tell(event, onDelta);
    return readReply(await stream.finalMessage());
  } catch (error) {
    signal.throwIfAborted();
    // The SDK says no more of an abort than that there was one.
    if (watchdog.signal.aborted) throw watchdog.signal.reason;
    throw error;
  }
};

const tell = (event: Anthropic.MessageStreamEvent, onDelta: (delta: ModelDelta) => void): void => {
  if (event.type === 'content_block_stop') onDelta({ type: 'block_end' });
  if (event.type !== 'content_block_delta') return;
  if (event.delta.type === 'text_delta') onDelta({ type: 'text', text: event.delta.text });
  if (event.delta.type === 'thinking_delta') onDelta({ type: 'thinking', text: event.delta.thinking });
};

/** The SDK parses a tool's input only when it is read. */
const readReply = (message: Anthropic.Message): ModelReply => {
  try {
    return toReply(message);
  } catch (cause) {
    const error = new Anthropic.AnthropicError('the reply holds a tool input that is no JSON');
    error.cause = cause;
    throw error;
  }
};

type Watchdog = Disposable & { signal: AbortSignal; middleware: Middleware };

/** Aborts a request that takes too long or has gone silent. It listens to bytes: the SDK keeps pings to itself. */
const watch = ({ requestTimeoutMs, idleTimeoutMs }: AttemptLimits): Watchdog => {
  const controller = new AbortController();
  const giveUp = (why: string) => controller.abort(new Anthropic.AnthropicError(why));
  const idle = setTimeout(giveUp, idleTimeoutMs, `nothing came for ${idleTimeoutMs} ms`);
  const total = setTimeout(giveUp, requestTimeoutMs, `the reply had not ended after ${requestTimeoutMs} ms`);
  return {
    signal: controller.signal,
    middleware: async (request, next) => {
      const response = await next(request);
      idle.refresh();
      if (response.body === null) return response;
      const heard = new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, sink) => {
          idle.refresh();
          sink.enqueue(chunk);
        },
      });
      return new Response(response.body.pipeThrough(heard), response);
    },
    [Symbol.dispose]: () => {
      clearTimeout(idle);
      clearTimeout(total);
    },
  };
};
