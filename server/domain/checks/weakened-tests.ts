import { counted } from '../counted.ts';
import { isTestFile } from './check-definitions.ts';
import { findChangedSettings, holdsSettings } from './check-settings.ts';
import { findAppearedMarks } from './checker-marks.ts';
import type { Weakening } from './evidence.ts';
import { testLanguageOf } from './test-languages.ts';
import { type Tally, tallyOf } from './test-tally.ts';
import { mayHoldTests, withinReason } from './within-reason.ts';

/**
 * A changed file's text; `before` is undefined for an added file, `after` for a deleted one. Where one of them is too
 * large to be handed over at all, `isTooLarge` says so, and '' stands in its place.
 */
export type ChangedText = { path: string; before?: string; after?: string; isTooLarge?: true };

/**
 * What a change takes from the tests and from what else shows that the code is well, for a person to look at. It reads
 * the texts by patterns and runs nothing: it may be wrong about one, and does not see everything. The sentences are the
 * server's own; only the paths come from the repository.
 */
export const findWeakened = (files: readonly ChangedText[]): Weakening[] => {
  const { read, unread } = withinReason(files);
  return [
    ...weakerAmong(read.filter(({ path }) => mayHoldTests(path)).flatMap(testedOf)),
    ...read.flatMap(findChangedSettings),
    ...findAppearedMarks(read),
    ...unread.flatMap(tooLarge),
  ];
};

/** Marks that go with their file are no loss. */
const tooLarge = ({ path, after }: ChangedText): Weakening[] => {
  if (after !== undefined) return [{ path, what: 'It was too large to be compared with what it was.' }];
  return mayHoldTests(path) || holdsSettings(path)
    ? [{ path, what: 'The file is deleted, and was too large to be compared with others.' }]
    : [];
};

type Tested = { path: string; isGone: boolean; before: Tally; after: Tally };

const weakerAmong = (tested: readonly Tested[]): Weakening[] => {
  const appeared = createPool(tested.flatMap(({ before, after }) => casesBeyond(after.cases, before.cases)));
  let elsewhere = sum(tested.map(({ before, after }) => Math.max(0, after.assertions - before.assertions)));
  const left = tested.filter(({ isGone }) => isGone);
  const moved = {
    skips: createAllowance(sum(left.map(({ before }) => before.skips))),
    empty: createAllowance(sum(left.map(({ before }) => before.empty))),
  };
  return tested.flatMap((file) => {
    const { path, before, after } = file;
    const gone = casesBeyond(before.cases, after.cases).filter((name) => !appeared.take(name));
    const weakenings: string[] = [];
    const fewer = before.assertions - after.assertions;
    if (gone.length > 0) weakenings.push(goneInWords(file, gone.length));
    else if (fewer > elsewhere) {
      weakenings.push(fewerInWords(file, fewer));
    }
    if (gone.length === 0 && fewer > 0) elsewhere = Math.max(0, elsewhere - fewer);
    const skips = moved.skips.rest(after.skips - before.skips);
    if (skips > 0)
      weakenings.push(`${counted(skips, 'new mark')} to skip tests, or to run only some of them.`);
    const empty = moved.empty.rest(after.empty - before.empty);
    if (empty > 0)
      weakenings.push(
        `${counted(empty, 'new assertion')} that ${empty === 1 ? 'holds' : 'hold'} whatever the code does.`,
      );
    return weakenings.map((what) => ({ path, what }));
  });
};

const testedOf = ({ path, before, after }: ChangedText): Tested[] => {
  const language = testLanguageOf(path);
  if (language === undefined) return [];
  const tallies = { before: tallyOf(before, language), after: tallyOf(after, language) };
  const isTest = isTestFile(path) || tallies.before.cases.length + tallies.after.cases.length > 0;
  return isTest ? [{ path, isGone: after === undefined, ...tallies }] : [];
};

const goneInWords = ({ isGone, before, after }: Tested, gone: number): string => {
  const all = before.cases.length;
  if (isGone) {
    const what = all === 1 ? 'its test case' : `its ${all} test cases`;
    return gone === all
      ? `The file is deleted with ${what}.`
      : `The file is deleted, and ${gone} of ${what} ${gone === 1 ? 'is' : 'are'} nowhere else.`;
  }
  const rest = after.cases.length < all ? 'gone' : 'gone, or called something else now';
  return `${gone} of ${counted(all, 'test case')} ${gone === 1 ? 'is' : 'are'} ${rest}.`;
};

const fewerInWords = ({ isGone, before, after }: Tested, fewer: number): string =>
  isGone
    ? `Its test cases have moved, but not all of its ${counted(fewer, 'assertion')}.`
    : `It has ${counted(fewer, 'assertion')} fewer than before: ${after.assertions} instead of ${before.assertions}.`;

/** The names that stand more often in the first list, each as often as that. */
const casesBeyond = (these: readonly string[], those: readonly string[]): string[] => {
  const pool = createPool(those);
  return these.filter((name) => !pool.take(name));
};

const createPool = (names: readonly string[]): { take(name: string): boolean } => {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return {
    take(name) {
      const count = counts.get(name) ?? 0;
      if (count > 0) counts.set(name, count - 1);
      return count > 0;
    },
  };
};

/** What a file that is gone had of something may be in another one now. */
const createAllowance = (total: number): { rest(count: number): number } => {
  let left = total;
  return {
    rest(count) {
      const covered = Math.min(left, Math.max(0, count));
      left -= covered;
      return count - covered;
    },
  };
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
