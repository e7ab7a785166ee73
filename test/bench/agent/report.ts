import type { Usage } from '../../../server/domain/job-event.ts';
import { columns } from '../columns.ts';
import { quantity } from '../report.ts';
import type { Attempt } from './run-tasks.ts';

/** The attempts as text for a terminal: a line each, their sum, and what was missing where one is not solved. */
export const presentAttempts = (attempts: readonly Attempt[], model: string): string => {
  const failures = attempts.flatMap(({ task, verdict }) =>
    verdict.solved ? [] : [`${task.name}: ${printable(verdict.why)}`],
  );
  const lines = [heading, ...attempts.map(cellsOf), sumOf(attempts)];
  return [`Tasks for the agent: ${model}`, '', ...columns(lines, wordColumns), '', ...failures, ''].join(
    '\n',
  );
};

/** One attempt as a line. */
export const attemptLine = ({ task, end, verdict }: Attempt): string =>
  `${verdict.solved ? '✔' : '✘'} ${task.name}: ${statusOf(end)} after ${end.usage.turns} turns, ${quantity(end.durationMs, 'ms')}`;

/** An attempt as it goes into the JSON file. */
export const attemptJson = ({ task, end, verdict }: Attempt) => ({
  ...{ task: task.name, language: task.language, kind: task.kind },
  ...verdict,
  ...{ status: statusOf(end), prUrl: 'prUrl' in end ? end.prUrl : null },
  ...{ usage: end.usage, durationMs: end.durationMs },
});

const heading = [
  'task',
  'language',
  'kind',
  'solved',
  'status',
  'turns',
  'in',
  'out',
  'cached',
  'cost',
  'time',
];
const wordColumns = new Set([0, 1, 2, 3, 4]);

const cellsOf = ({ task, end, verdict }: Attempt): string[] => [
  ...[task.name, task.language, task.kind, verdict.solved ? '✔ yes' : '✘ no', statusOf(end)],
  ...usageCells(end.usage),
  quantity(end.durationMs, 'ms'),
];

/** What the jobs took together; their times, too, although two run at once. */
const sumOf = (attempts: readonly Attempt[]): string[] => {
  const sum = (of: (usage: Usage) => number) => attempts.reduce((total, { end }) => total + of(end.usage), 0);
  const costs = attempts.map(({ end }) => end.usage.costUsd);
  const usage: Usage = {
    turns: sum(({ turns }) => turns),
    inputTokens: sum(({ inputTokens }) => inputTokens),
    outputTokens: sum(({ outputTokens }) => outputTokens),
    cacheReadTokens: sum(({ cacheReadTokens }) => cacheReadTokens),
    cacheWriteTokens: sum(({ cacheWriteTokens }) => cacheWriteTokens),
    costUsd: costs.reduce(
      (total, cost) => (total === 'unknown' || cost === 'unknown' ? 'unknown' : total + cost),
      0,
    ),
  };
  const solved = attempts.filter(({ verdict }) => verdict.solved).length;
  const durationMs = attempts.reduce((total, { end }) => total + end.durationMs, 0);
  return [
    ...['all', '', '', `${solved} of ${attempts.length}`, ''],
    ...usageCells(usage),
    quantity(durationMs, 'ms'),
  ];
};

const usageCells = ({ turns, inputTokens, outputTokens, cacheReadTokens, costUsd }: Usage): string[] => [
  ...[turns, inputTokens, outputTokens, cacheReadTokens].map((number) => number.toLocaleString('en-US')),
  costUsd === 'unknown' ? costUsd : `$${costUsd.toFixed(2)}`,
];

const statusOf = (end: Attempt['end']): string => (end.type === 'Error' ? `error: ${end.code}` : end.status);

/** Test output comes from a sandbox: nothing of it may steer the terminal. */
const printable = (text: string): string =>
  text.replace(/[^\P{Cc}\n\t]/gu, '\ufffd').replaceAll('\n', '\n  ');
