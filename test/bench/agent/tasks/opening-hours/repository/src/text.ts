import type { Row } from './report.ts';

export const asText = (rows: readonly Row[]): string =>
  rows.map(({ day, sales, cents }) => `${day}  ${String(sales).padStart(4)}  ${(cents / 100).toFixed(2)}`).join('\n');
