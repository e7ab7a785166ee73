import { AppError } from '../domain/errors.ts';
import type { Nothing, Verdict } from './judge-reply.ts';

type Why = Nothing | 'paused';
type Advice = readonly { type: 'text'; text: string }[];

/** Replies that bring the job no further. The model is told what was wrong with them, a few times in a row. */
export type Setbacks = {
  /** What to tell the model after this reply; throws `model_failed` when it was told often enough. */
  adviceAfter(verdict: Exclude<Verdict, { kind: 'final' }>): Advice;
};

const inARowMax: Record<Why, number> = { cut: 3, empty: 1, no_call: 2, paused: 10 };

const advice: Record<Why, string> = {
  cut: 'Your reply reached its output limit before it was complete. Go on with the next tool call; if that was the final message, send it again from its first line, shorter.',
  empty: 'Your reply was empty. Go on with the job; if it is done, send the final message.',
  no_call:
    'Your reply said that it calls a tool, but there was no call in it. Call the tool; if the job is done, send the final message.',
  paused: 'Go on.',
};

const failure: Record<Why, string> = {
  cut: 'The model’s replies reached their output limit again and again before they were complete.',
  empty: 'The model said nothing, and nothing again when it was asked to go on.',
  no_call: 'The model said again and again that it calls a tool, and called none.',
  paused: 'The model paused again and again, and did nothing in between.',
};

export const createSetbacks = (): Setbacks => {
  const none: Record<Why, number> = { cut: 0, empty: 0, no_call: 0, paused: 0 };
  const inARow = { ...none };
  const count = (why: Why) => {
    inARow[why] += 1;
    if (inARow[why] > inARowMax[why]) throw new AppError('model_failed', failure[why]);
    return [{ type: 'text', text: advice[why] }] as const;
  };
  return {
    adviceAfter: (verdict) => {
      switch (verdict.kind) {
        case 'nothing':
          return count(verdict.why);
        case 'calls':
          // A call that was cut gets its advice as its result.
          if (verdict.complete.length === 0) count('cut');
          else Object.assign(inARow, none);
          return [];
        case 'paused':
          return count('paused');
      }
    },
  };
};
