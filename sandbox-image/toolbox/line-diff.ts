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
    const text = isShown ? `${row.mark}${cut(row.text, counterpartOf(rows, index))}` : '…';
    if (!isShown && shown.at(-1) === '…') continue;
    shown.push(text);
    left -= text.length;
  }
  return shown.join('\n');
};

/** The line that stands for this one on the other side. */
const counterpartOf = (rows: readonly Row[], index: number): string => {
  const other = rows[index]?.mark === '-' ? '+' : '-';
  const near = rows.slice(index + 1).find(({ mark }) => mark === other);
  return (near ?? rows.slice(0, index).findLast(({ mark }) => mark === other))?.text ?? '';
};

const beforeDifference = 80;
const beginningCharacters = 12;

/** A long line is cut around the place where it begins to differ from the other one. */
const cut = (text: string, counterpart: string): string => {
  if (text.length <= lineCharactersMax) return text;
  const from = Math.max(0, differenceIn(text, counterpart) - beforeDifference);
  const shown = text.slice(from, from + lineCharactersMax).toWellFormed();
  return `${from > 0 ? '…' : ''}${shown}${from + lineCharactersMax < text.length ? '…' : ''}`;
};

/** One of the two lines may be a part of the other. */
const differenceIn = (text: string, counterpart: string): number => {
  const [bare, other] = [text.trimStart(), counterpart.trimStart()];
  const inText = Math.max(0, bare.indexOf(other.slice(0, beginningCharacters)));
  const inOther = inText > 0 ? 0 : Math.max(0, other.indexOf(bare.slice(0, beginningCharacters)));
  let same = 0;
  while (inText + same < bare.length && bare[inText + same] === other[inOther + same]) same += 1;
  return text.length - bare.length + inText + same;
};

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
