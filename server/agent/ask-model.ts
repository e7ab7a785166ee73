import type { Emit, JobFact } from '../domain/job-event.ts';
import type { Model, ModelDelta, ModelReply, ModelRequest } from '../domain/model.ts';
import type { Span } from '../domain/trace.ts';
import { inSpan } from './in-span.ts';
import { createReplyEvents } from './reply-events.ts';

type Ports = {
  model: Model;
  emit: Emit;
  span: Span;
  /** see `Replay` */
  unfinished: readonly JobFact[];
  /** What was used and is in no reply, because none came. */
  onUsage(usage: ModelReply['usage']): void;
};

/** One turn: everything that the model says is told and stored when this resolves or rejects. */
export const askModel = (
  request: ModelRequest,
  turn: number,
  ports: Ports,
  signal: AbortSignal,
): Promise<ModelReply> => {
  const messages = [{ role: 'system', content: request.system }, ...request.transcript];
  const span = ports.span.child('llm', `model turn ${turn}`, { model: ports.model.name, messages });
  return inSpan(span, async () => {
    const events = createReplyEvents(ports.emit, ports.unfinished);
    const onDelta = (delta: ModelDelta) => {
      if (delta.type === 'spent') ports.onUsage(delta.usage);
      events.onDelta(delta);
    };
    const asked = ports.model.reply(request, onDelta, signal);
    const reply = await asked.finally(events.settled);
    const { content, stopReason, usage } = reply;
    span.end({ messages: [{ role: 'assistant', content }], stopReason }, { usage });
    return reply;
  });
};
