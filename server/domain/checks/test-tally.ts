import type { TestLanguage } from './test-languages.ts';

/** What a file of tests has, without what stands in comments. */
export type Tally = { cases: readonly string[]; skips: number; assertions: number; empty: number };

export const tallyOf = (text: string | undefined, language: TestLanguage): Tally => {
  const code = withoutComments(text ?? '', language);
  const cases = [...code.matchAll(language.cases)].map(({ groups }) => groups?.name ?? groups?.sub ?? '');
  const empty = count(code, language.empty);
  return {
    cases,
    skips: count(code, language.skips),
    // One that always holds is none.
    assertions: count(code, language.assertions) - empty,
    empty,
  };
};

/** Line comments stand behind a space or at the beginning, else `https://…` would be one; blocks begin their line. */
const withoutComments = (code: string, { comments }: TestLanguage): string =>
  comments === 'slashes'
    ? withoutBlocks(code).replaceAll(/(?:^|[ \t;{}])\/\/.*$/gm, '')
    : code.replaceAll(/(?:^|[ \t])#.*$/gm, '');

/** By hand, since a pattern would look for the end of each of a million that have none. */
const withoutBlocks = (code: string): string => {
  const kept: string[] = [];
  let from = 0;
  for (const { index } of code.matchAll(/^[ \t]*\/\*/gm)) {
    if (index < from) continue;
    const end = code.indexOf('*/', index);
    if (end < 0) break;
    kept.push(code.slice(from, index));
    from = end + '*/'.length;
  }
  return kept.join('') + code.slice(from);
};

const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;
