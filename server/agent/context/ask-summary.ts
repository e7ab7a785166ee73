import type { Model, ModelDelta, ModelReply, ModelRequest } from '../../domain/model.ts';
import type { Span } from '../../domain/trace.ts';
import { inSpan } from '../in-span.ts';
import { withUser } from '../transcript.ts';
import { summaryRequest } from './summary.ts';

type Ports = {
  model: Model;
  span: Span;
  /** What was used and is in no summary, because none came. */
  onUsage(usage: ModelReply['usage']): void;
};

/**
 * Asks the model to summarize what it is sent, behind the same beginning as ever, so that the API reads that from its
 * cache. `words` is empty when it gave none.
 */
export const askSummary = async (
  request: ModelRequest,
  { model, span, onUsage }: Ports,
  signal: AbortSignal,
): Promise<{ words: string; usage: ModelReply['usage'] }> => {
  const transcript = withUser(request.transcript, [{ type: 'text', text: summaryRequest }]);
  const messages = [{ role: 'system', content: request.system }, ...transcript];
  const child = span.child('llm', 'summary of older turns', { model: model.name, messages });
  return inSpan(child, async () => {
    // What it says is told when it is stored, together with what it takes the place of.
    const onDelta = (delta: ModelDelta) => {
      if (delta.type === 'spent') onUsage(delta.usage);
    };
    const { content, stopReason, usage } = await model.reply({ ...request, transcript }, onDelta, signal);
    child.end({ messages: [{ role: 'assistant', content }], stopReason }, { usage });
    const said = content.flatMap((block) => (block.type === 'text' ? [block.text] : []));
    return { words: stopReason === 'refusal' ? '' : said.join('\n\n').trim(), usage };
  });
};
