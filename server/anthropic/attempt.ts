import Anthropic, { AnthropicError, APIError, type Middleware } from '@anthropic-ai/sdk';
import { Stream } from '@anthropic-ai/sdk/streaming';
import type { Assembly, RawReply } from './assemble.ts';
import { eventsOf, readEvent } from './stream-event.ts';

export type AttemptLimits = {
  /** From the request to the reply's last event. */
  requestTimeoutMs: number;
  /** Between any two events of the API, its pings included, and before the first. */
  idleTimeoutMs: number;
};

/**
 * One request, streamed into `assembly`, which knows what it used when it fails. Whatever goes wrong on the wire rejects with an AnthropicError; an abort rejects with the
 * signal's reason, and in either case the connection is closed.
 */
export const attemptReply = async (
  client: Anthropic,
  params: Anthropic.MessageCreateParamsNonStreaming,
  assembly: Assembly,
  limits: AttemptLimits,
  signal: AbortSignal,
): Promise<RawReply> => {
  signal.throwIfAborted();
  using watchdog = watch(limits);
  using connection = openConnection(AbortSignal.any([signal, watchdog.signal]));
  try {
    const response = await client.messages
      .create({ ...params, stream: true }, { signal: connection.signal, middleware: [watchdog.middleware] })
      .asResponse();
    for await (const event of readReply(response)) assembly.take(event);
    return assembly.reply();
  } catch (error) {
    signal.throwIfAborted();
    // The SDK says no more of an abort than that there was one.
    const failure = watchdog.signal.aborted ? watchdog.signal.reason : error;
    // What comes behind the end of a reply takes nothing from it.
    if (failure instanceof AnthropicError && assembly.isComplete()) return assembly.reply();
    throw failure;
  }
};

/**
 * The SDK's own reader of streams takes Anthropic's dialect alone: it breaks at a «[DONE]», at a reply without usage and
 * at an event without a name.
 */
async function* readReply(response: Response) {
  if (response.headers.get('content-type')?.includes('application/json')) {
    const message = await response.json().catch(asWireError);
    throwIfError(message, response.headers);
    yield* eventsOf(message);
    return;
  }
  const events = Stream.rawEvents(response)[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await events.next().catch(asWireError);
    if (done) return;
    const data = parseJson(value.data);
    if (value.event === 'error') throwIfError(data ?? { error: { message: value.data } }, response.headers);
    throwIfError(data, response.headers);
    const event = readEvent(data);
    if (event) yield event;
  }
}

/** What breaks while it is read, as a connection that is cut. */
const asWireError = (cause: unknown): never => {
  if (cause instanceof AnthropicError) throw cause;
  throw new AnthropicError(cause instanceof Error ? cause.message : String(cause), { cause });
};

/** undefined for what is no JSON: some say «[DONE]» at the end. */
const parseJson = (data: string): unknown => {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
};

/** An error inside an answer that had begun with 200. */
const throwIfError = (body: unknown, headers: Headers): void => {
  if (typeof body !== 'object' || body === null || !('error' in body)) return;
  const type = (body.error as { type?: Anthropic.ErrorType } | null)?.type;
  throw new APIError(undefined, body, undefined, headers, type ?? null);
};

type Connection = Disposable & { signal: AbortSignal };

/** Closed when it is disposed, whether the reply has ended or not. */
const openConnection = (until: AbortSignal): Connection => {
  const controller = new AbortController();
  return {
    signal: AbortSignal.any([until, controller.signal]),
    [Symbol.dispose]: () => controller.abort(),
  };
};

type Watchdog = Disposable & { signal: AbortSignal; middleware: Middleware };

/** Aborts a request that takes too long or has gone silent. It listens to bytes, pings among them. */
const watch = ({ requestTimeoutMs, idleTimeoutMs }: AttemptLimits): Watchdog => {
  const controller = new AbortController();
  const giveUp = (why: string) => controller.abort(new AnthropicError(why));
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
