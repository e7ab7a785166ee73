import { columns } from './columns.ts';
import { type Summary, summarize } from './measure.ts';

export type Unit = 'ms' | 'µs' | 'MB' | 'KB' | 'count';

/** What was measured beside ours in the same rounds. */
type Baseline = { name: string; samples: readonly number[] };

/** A target for our p50 or p99, or for the ratio of our p50 to the baseline's. */
type Target = ({ p50Max: number } | { p99Max: number } | { ratioMax: number }) & { isDream?: true };

export type Row = {
  name: string;
  unit: Unit;
  ours: readonly number[];
  baseline?: Baseline;
  target?: Target;
};

/** What one bench found. `about` says precisely what is compared with what. */
export type Section = { title: string; about: string; rows: readonly Row[]; notes: readonly string[] };

/** A row as it goes into the JSON file. */
type JudgedRow = {
  name: string;
  unit: Unit;
  ours: Summary;
  baseline?: Summary & { name: string };
  ratio?: number;
  target?: Target & { isReached: boolean };
};

export const judge = ({ name, unit, ours, baseline, target }: Row): JudgedRow => {
  const summary = summarize(ours);
  const other = baseline && { name: baseline.name, ...summarize(baseline.samples) };
  const ratio = other && summary.p50 / other.p50;
  return {
    ...{ name, unit, ours: summary },
    ...(other && { baseline: other, ratio }),
    ...(target && { target: { ...target, isReached: isReached(target, summary, ratio) } }),
  };
};

const isReached = (target: Target, { p50, p99 }: Summary, ratio: number | undefined): boolean => {
  if ('p50Max' in target) return p50 <= target.p50Max;
  if ('p99Max' in target) return p99 <= target.p99Max;
  if (ratio === undefined) throw new Error('A target for a ratio needs a baseline.');
  return ratio <= target.ratioMax;
};

/** A section as text for a terminal. */
export const present = ({ title, about, rows, notes }: Section): string => {
  const cells = rows.map((row, index) => cellsOf(judge(row), rows[index - 1]?.name === row.name));
  return [title, wrap(about), ...columns([heading, ...cells], wordColumns), ...notes, ''].join('\n');
};

const wrap = (text: string): string => {
  const lineLengthMax = 110;
  return text.replaceAll(/\s+/g, ' ').replaceAll(new RegExp(`(.{1,${lineLengthMax}})( |$)`, 'g'), '$1\n');
};

const heading = ['', 'n', 'p50', 'p99', 'against', 'n', 'p50', 'p99', 'ratio', 'target'];

/** What stands in the row above already is not said again. */
const cellsOf = ({ name, unit, ours, baseline, ratio, target }: JudgedRow, isSameAsAbove: boolean) => [
  ...(isSameAsAbove ? ['', '', '', ''] : [name, ...numbers(ours, unit)]),
  ...(baseline ? [baseline.name, ...numbers(baseline, unit)] : ['', '', '', '']),
  ratio === undefined ? '' : times(ratio),
  target ? `${target.isReached ? '✔' : '✘'} ${describe(target, unit)}` : '',
];

const describe = (target: Target, unit: Unit): string => {
  const limit = describeLimit(target, unit === 'count' ? '' : ` ${unit}`);
  return target.isDream ? `${limit} (the dream)` : limit;
};

const describeLimit = (target: Target, unit: string): string => {
  if ('p50Max' in target) return `p50 ≤ ${target.p50Max}${unit}`;
  if ('p99Max' in target) return `p99 ≤ ${target.p99Max}${unit}`;
  return `≤ ${target.ratioMax} ×`;
};

const numbers = ({ n, p50, p99 }: Summary, unit: Unit) => [`${n}`, quantity(p50, unit), quantity(p99, unit)];

export const quantity = (value: number, unit: Unit): string => {
  if (unit === 'count') return `${value}`;
  return unit === 'ms' && value >= 1000 ? `${threeDigits(value / 1000)} s` : `${threeDigits(value)} ${unit}`;
};

const times = (ratio: number): string => `${ratio < 0.1 ? ratio.toPrecision(2) : ratio.toFixed(2)} ×`;

const threeDigits = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);

const wordColumns = new Set(['', 'against', 'target'].map((word) => heading.indexOf(word)));
