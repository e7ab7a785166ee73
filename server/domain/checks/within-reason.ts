import { isTestFile } from './check-definitions.ts';
import { holdsSettings } from './check-settings.ts';
import { bearsMarks } from './checker-marks.ts';
import { testLanguageOf } from './test-languages.ts';
import type { ChangedText } from './weakened-tests.ts';

/** Reading takes the time of every job on the server: who writes more than this by hand? */
const fileCharactersMax = 200_000;
const charactersMax = 2_000_000;

/** Of the files in which there is something to look for, those that can be read in time, and the others. */
export const withinReason = (
  files: readonly ChangedText[],
): { read: ChangedText[]; unread: ChangedText[] } => {
  const read: ChangedText[] = [];
  const unread: ChangedText[] = [];
  let left = charactersMax;
  for (const file of weightiestFirst(files)) {
    const [before, after] = [file.before?.length ?? 0, file.after?.length ?? 0];
    const fits =
      file.isTooLarge !== true && Math.max(before, after) <= fileCharactersMax && before + after <= left;
    (fits ? read : unread).push(file);
    if (fits) left -= before + after;
  }
  return { read, unread };
};

/** In Rust tests stand beside the code: there the text tells, not the path. */
export const mayHoldTests = (path: string): boolean =>
  testLanguageOf(path) !== undefined && (isTestFile(path) || path.endsWith('.rs'));

/** However much else is changed, it does not take the room of the tests. */
const weightiestFirst = (files: readonly ChangedText[]): ChangedText[] => {
  const tests = files.filter(({ path }) => mayHoldTests(path));
  const settings = files.filter(({ path }) => !mayHoldTests(path) && holdsSettings(path));
  const others = files.filter(({ path }) => !mayHoldTests(path) && !holdsSettings(path) && bearsMarks(path));
  return [...tests, ...settings, ...others];
};
