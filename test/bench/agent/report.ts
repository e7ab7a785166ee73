import { noUsage, type Usage } from '../../../server/domain/job-event.ts';
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
export const attemptLine = (attempt: Attempt): string => {
  const { turns } = usageOf(attempt);
  const took = `${turns} turns, ${quantity(durationOf(attempt), 'ms')}`;
  return `${attempt.verdict.solved ? '✔' : '✘'} ${attempt.task.name}: ${statusOf(attempt)} after ${took}`;
};

/** An attempt as it goes into the JSON file. */
export const attemptJson = (attempt: Attempt) => {
  const { task, end, verdict } = attempt;
  return {
    ...{ task: task.name, language: task.language, kind: task.kind },
    ...verdict,
    ...{ status: statusOf(attempt), prUrl: end?.type === 'Result' ? end.prUrl : null },
    ...{ usage: usageOf(attempt), durationMs: durationOf(attempt) },
  };
};

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

const cellsOf = (attempt: Attempt): string[] => {
  const { task, verdict } = attempt;
  return [
    ...[task.name, task.language, task.kind, verdict.solved ? '✔ yes' : '✘ no', statusOf(attempt)],
    ...usageCells(usageOf(attempt)),
    quantity(durationOf(attempt), 'ms'),
  ];
};

/** What the jobs took together; their times, too, although two run at once. */
const sumOf = (attempts: readonly Attempt[]): string[] => {
  const sum = (of: (attempt: Attempt) => number) => attempts.reduce((total, one) => total + of(one), 0);
  const costs = attempts.map((one) => usageOf(one).costUsd);
  const usage: Usage = {
    turns: sum((one) => usageOf(one).turns),
    inputTokens: sum((one) => usageOf(one).inputTokens),
    outputTokens: sum((one) => usageOf(one).outputTokens),
    cacheReadTokens: sum((one) => usageOf(one).cacheReadTokens),
    cacheWriteTokens: sum((one) => usageOf(one).cacheWriteTokens),
    costUsd: costs.reduce(
      (total, cost) => (total === 'unknown' || cost === 'unknown' ? 'unknown' : total + cost),
      0,
    ),
  };
  const solved = attempts.filter(({ verdict }) => verdict.solved).length;
  return [
    ...['all', '', '', `${solved} of ${attempts.length}`, ''],
    ...usageCells(usage),
    quantity(sum(durationOf), 'ms'),
  ];
};

const usageOf = ({ end }: Attempt): Usage => end?.usage ?? noUsage;

const durationOf = ({ end }: Attempt): number => end?.durationMs ?? 0;

const usageCells = ({ turns, inputTokens, outputTokens, cacheReadTokens, costUsd }: Usage): string[] => [
  ...[turns, inputTokens, outputTokens, cacheReadTokens].map((number) => number.toLocaleString('en-US')),
  costUsd === 'unknown' ? costUsd : `$${costUsd.toFixed(2)}`,
];

const statusOf = ({ end }: Attempt): string => {
  if (end === undefined) return 'not run';
  return end.type === 'Error' ? `error: ${end.code}` : end.status;
};

/** Test output comes from a sandbox: nothing of it may steer the terminal. */
const printable = (text: string): string =>
  text.replace(/[^\P{Cc}\n\t]/gu, '\ufffd').replaceAll('\n', '\n  ');
