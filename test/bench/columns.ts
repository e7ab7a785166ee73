/** Lines of cells as a table: words to the left, numbers to the right. */
export const columns = (
  lines: readonly (readonly string[])[],
  wordColumns: ReadonlySet<number>,
): string[] => {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines.map((line) =>
    line
      .map((cell, column) =>
        wordColumns.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
};
