import { createHash } from 'node:crypto';
import type { JobFact } from '../domain/job-event.ts';
import { commandOf } from './command-of.ts';

/** A turn, in what it is compared with others by. The plan changes nothing, so it makes no turn another one. */
export type PastTurn = {
  /** Without calls the model has said something: whatever it did before is over then. */
  hasCalls: boolean;
  /** What was called. */
  asked: string;
  /** What was called and came to something, with what it came to. */
  effects: readonly string[];
  /** All of it, with its errors. */
  whole: string;
  /** Every call has failed. */
  isError: boolean;
  /** It waits for something. */
  waits: boolean;
  /** The model was told behind this turn that it does not get on. */
  wasNudged: boolean;
};

export type PastCall = { name: string; input: unknown; content: string; isError: boolean };

type Reason = Extract<JobFact, { type: 'Agent: Nudged' }>['reason'];

/** First the model is told, and if that does not help it is ended. */
type Judgement = { kind: 'nudge'; reason: Reason; message: string } | { kind: 'end'; message: string };

/** Nothing while the job gets on. The same turns are always judged in the same way. */
export const judgeProgress = (turns: readonly PastTurn[]): Judgement | undefined => {
  const found = signs.flatMap((sign): Judgement[] => {
    const count = sign.count(turns);
    if (count >= sign.endAt) return [{ kind: 'end', message: sign.end(sign.endAt) }];
    const isDue = count === sign.nudgeAt && turns.at(-1)?.wasNudged === false;
    return isDue ? [{ kind: 'nudge', reason: sign.reason, message: sign.nudge(count) }] : [];
  });
  return found.find(({ kind }) => kind === 'end') ?? found[0];
};

export const pastTurn = (calls: readonly PastCall[]): PastTurn => {
  const counted = calls.filter(({ name }) => name !== 'plan');
  const outcomes = counted.map((call) => hashOf([call.name, call.input, call.isError, outcomeOf(call)]));
  return {
    hasCalls: calls.length > 0,
    asked: counted.length > 0 ? hashOf(counted.map(({ name, input }) => [name, input])) : '',
    effects: outcomes.filter((_, index) => !counted[index]?.isError),
    whole: outcomes.join(' '),
    isError: counted.length > 0 && counted.every(({ isError }) => isError),
    waits: counted.some(isWait),
    wasNudged: false,
  };
};

/** Outputs are long, and every turn of a job is compared after every turn. */
const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64');

/** Whoever waits looks at the same thing again and again, and that is how it should be. */
const isWait = ({ name, input }: PastCall): boolean =>
  name === 'bash' && /\bsleep\b|\bwait\b/.test(commandOf(input) ?? '');

/**
 * How long something took makes no other result of it. But where somebody waits, a time that goes on may be all that
 * there is to see: there it is our own line at the end alone that does not count.
 */
const outcomeOf = (call: PastCall): string => {
  if (call.name !== 'bash') return call.content;
  const times = isWait(call)
    ? /(?<=\[exit code \d+, )[\d.]+ s(?=\]$)/
    : /duration_ms:? [\d.]+|\b\d{1,9}(?:\.\d{1,9})? ?(?:ms|s|secs?|seconds)\b/g;
  return call.content.replace(times, 'some time');
};

type Sign = {
  reason: Reason;
  /** How often in a row, the last turn included. */
  count(turns: readonly PastTurn[]): number;
  nudgeAt: number;
  endAt: number;
  nudge(count: number): string;
  end(count: number): string;
};

/** How often the last so many turns have come one after the other, the last time included. */
const periods = (turns: readonly PastTurn[], length: number): number => {
  const last = turns.slice(-length).map(({ whole }) => whole);
  if (last.length < length || last.includes('')) return 0;
  // The same turn again and again is a period of one, and counted there.
  if (length > 1 && new Set(last).size === 1) return 0;
  let same = 0;
  while (same < turns.length && turns.at(-1 - same)?.whole === last.at(-1 - (same % length))) same += 1;
  // Not rounded: three times and a half is not said to be three times once more.
  return same / length;
};

/** How many of the last turns are like this. */
const inARow = (turns: readonly PastTurn[], is: (turn: PastTurn, index: number) => boolean): number =>
  turns.length - 1 - turns.findLastIndex((turn, index) => !turn.hasCalls || !is(turn, index));

/** Something that waits may look twice as often. */
const repetition = (length: number): Sign[] =>
  [false, true].map((waits) => ({
    reason: 'repetition',
    count: (turns) =>
      turns.slice(-length).some((turn) => turn.waits) === waits ? periods(turns, length) : 0,
    nudgeAt: waits ? 6 : 3,
    endAt: waits ? 12 : 5,
    nudge: (count) =>
      length === 1
        ? `You have made the same calls ${count} times in a row, and the results were the same each time. They will not change by themselves: do something else.`
        : `You have gone through the same ${length} turns ${count} times, with the same results each time. Stop and think what is in the way, then do something else.`,
    end: (count) =>
      length === 1
        ? `The model made the same calls ${count} times in a row, always with the same results.`
        : `The model went through the same ${length} turns ${count} times, always with the same results.`,
  }));

const sameError: Sign = {
  reason: 'repeated_errors',
  count: (turns) => inARow(turns, ({ isError, asked }) => isError && asked === turns.at(-1)?.asked),
  nudgeAt: 3,
  endAt: 5,
  nudge: (count) =>
    `The same calls have failed ${count} times in a row. Read the errors, look at what is there, and go about it in another way.`,
  end: (count) => `The same calls of the model failed ${count} times in a row.`,
};

const manyErrors: Sign = {
  reason: 'repeated_errors',
  count: (turns) => inARow(turns, ({ isError }) => isError),
  nudgeAt: 6,
  endAt: 12,
  nudge: (count) =>
    `Every call of your last ${count} turns has failed. Stop and look at what is there, for example with list and read, before you go on.`,
  end: (count) => `Every call of the model’s last ${count} turns failed.`,
};

const withoutEffect: Sign = {
  reason: 'no_effect',
  count: (turns) => {
    const firstAt = new Map<string, number>();
    for (const [index, { effects }] of turns.entries()) {
      for (const effect of effects) if (!firstAt.has(effect)) firstAt.set(effect, index);
    }
    return inARow(turns, ({ waits, effects }, index) => {
      const isNew = effects.some((effect) => firstAt.get(effect) === index);
      return !waits && !isNew;
    });
  },
  nudgeAt: 8,
  endAt: 16,
  nudge: (count) =>
    `Your last ${count} turns have changed nothing and shown nothing new. Change what the job needs, or, if it is done or cannot be done, send the final message and say so.`,
  end: (count) => `The model’s last ${count} turns changed nothing and showed nothing new.`,
};

const signs: readonly Sign[] = [...[1, 2, 3].flatMap(repetition), sameError, manyErrors, withoutEffect];
