import { AppError } from '../domain/errors.ts';
import type { ModelReply, ReplyBlock } from '../domain/model.ts';

export type ToolCall = Extract<ReplyBlock, { type: 'tool_use' }>;

/** What a reply asks for. */
export type Verdict =
  /** Tool calls, one at least; the last one may have been cut before it was complete, and not so many are run at once. */
  | { kind: 'calls'; complete: readonly ToolCall[]; cut: ToolCall | undefined; tooMany: readonly ToolCall[] }
  /** The model has stopped: this is its final message. */
  | { kind: 'final'; text: string }
  /** The model wants to be asked again. */
  | { kind: 'paused' }
  /** Neither a call nor a final message. */
  | { kind: 'nothing'; why: Nothing };

/** The output limit was in the way, the model said nothing, or it said that it calls a tool and called none. */
export type Nothing = 'cut' | 'empty' | 'no_call';

/** More than any model calls that knows what it does. */
const callsMax = 50;

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
  if (calls.length > 0) {
    const whole = calls.filter((call) => call !== cut);
    return { kind: 'calls', complete: whole.slice(0, callsMax), cut, tooMany: whole.slice(callsMax) };
  }
  if (isCut) return { kind: 'nothing', why: 'cut' };
  if (reply.stopReason === 'pause_turn') return { kind: 'paused' };
  // What it announces is no answer.
  if (reply.stopReason === 'tool_use') return { kind: 'nothing', why: 'no_call' };
  return text === '' ? { kind: 'nothing', why: 'empty' } : { kind: 'final', text };
};

/** What the model says in words, thinking left out; may be empty. */
export const textOf = ({ content }: Pick<ModelReply, 'content'>): string =>
  content
    .flatMap((block) => (block.type === 'text' ? [block.text] : []))
    .join('\n\n')
    .trim();
