import { AppError } from '../domain/errors.ts';
import type { ModelReply, ReplyBlock } from '../domain/model.ts';

export type ToolCall = Extract<ReplyBlock, { type: 'tool_use' }>;

/** What a reply asks for. */
export type Verdict =
  /** Tool calls; the last one may have been cut before it was complete. One of both is there. */
  | { kind: 'calls'; complete: readonly ToolCall[]; cut: ToolCall | undefined }
  /** The model has stopped: this is its final message. */
  | { kind: 'final'; text: string }
  /** The model wants to be asked again. */
  | { kind: 'paused' }
  /** Neither a call nor a final message: the output limit was in the way, or the model said nothing. */
  | { kind: 'nothing'; why: 'cut' | 'empty' };

/** Throws `model_refused`, and `model_failed` when the model could not end its reply. */
export const judgeReply = (reply: ModelReply): Verdict => {
  const text = textOf(reply);
  switch (reply.stopReason) {
    case 'refusal':
      throw new AppError('model_refused', `The model refused this job.${text && ` It said: ${text}`}`, {
        whatToDo: 'Say what the change is for and send the job again, or choose another model.',
      });
    case 'context_full':
      throw new AppError(
        'model_failed',
        'The model’s context is full, and nothing more can be left out of it.',
        {
          whatToDo: 'Ask for less in one job; check that MODEL_CONTEXT_TOKENS on the server fits its MODEL.',
        },
      );
    case 'other':
      throw new AppError('model_failed', 'The model stopped in the middle of its work.');
    case 'end_turn':
    case 'tool_use':
    case 'pause_turn':
    case 'max_tokens':
      break;
  }
  const isCut = reply.stopReason === 'max_tokens';
  const calls = reply.content.filter((block) => block.type === 'tool_use');
  const last = reply.content.at(-1);
  // Nobody can tell whether the last call is complete when the limit has ended the reply, so it is never run.
  const cut = isCut && last?.type === 'tool_use' ? last : undefined;
  if (calls.length > 0) return { kind: 'calls', complete: calls.filter((call) => call !== cut), cut };
  if (isCut) return { kind: 'nothing', why: 'cut' };
  if (reply.stopReason === 'pause_turn') return { kind: 'paused' };
  return text === '' ? { kind: 'nothing', why: 'empty' } : { kind: 'final', text };
};

const textOf = ({ content }: ModelReply): string =>
  content
    .flatMap((block) => (block.type === 'text' ? [block.text] : []))
    .join('\n\n')
    .trim();
