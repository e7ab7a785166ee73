type Row = { mark: ' ' | '-' | '+'; text: string };

const linesMax = 200;
const contextLines = 1;
const charactersMax = 1200;
const lineCharactersMax = 200;

/** The way from some lines to others as a diff shows it, cut to what is worth to be read. */
export const diffOf = (before: readonly string[], after: readonly string[]): string => {
  const rows = rowsOf(before.slice(0, linesMax), after.slice(0, linesMax));
  const isNear = (index: number) =>
    rows.slice(Math.max(0, index - contextLines), index + contextLines + 1).some(({ mark }) => mark !== ' ');
  const shown: string[] = [];
  let left = charactersMax;
  for (const [index, row] of rows.entries()) {
    const isShown = isNear(index) && left > 0;
    const text = isShown ? `${row.mark}${cut(row.text)}` : '…';
    if (!isShown && shown.at(-1) === '…') continue;
    shown.push(text);
    left -= text.length;
  }
  return shown.join('\n');
};

const cut = (text: string): string =>
  text.length <= lineCharactersMax ? text : `${text.slice(0, lineCharactersMax).toWellFormed()}…`;

/** By the longest common subsequence of lines. */
const rowsOf = (before: readonly string[], after: readonly string[]): Row[] => {
  const common = lengths(before, after);
  const at = (i: number, j: number) => common[i]?.[j] ?? 0;
  const rows: Row[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      rows.push({ mark: ' ', text: before[i] ?? '' });
      i += 1;
      j += 1;
    } else if (j >= after.length || (i < before.length && at(i + 1, j) >= at(i, j + 1))) {
      rows.push({ mark: '-', text: before[i] ?? '' });
      i += 1;
    } else {
      rows.push({ mark: '+', text: after[j] ?? '' });
      j += 1;
    }
  }
  return rows;
};

/** How many lines the rests from `[i][j]` on have in common. */
const lengths = (before: readonly string[], after: readonly string[]): number[][] => {
  const table = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const row = table[i] as number[];
      row[j] =
        before[i] === after[j]
          ? (table[i + 1]?.[j + 1] ?? 0) + 1
          : Math.max(table[i + 1]?.[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return table;
};
