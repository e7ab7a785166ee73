import type { Finding } from './finding.ts';

/** The findings as a table for a terminal, with what to do under those that are not as they must be. */
export const findingsTable = (findings: readonly Finding[]): string => {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.flatMap(({ name, ok, detail, mend }) => [
    `${ok ? '✔' : '✘'} ${name.padEnd(width)}  ${detail}`,
    ...(mend ? [`  ${''.padEnd(width)}  → ${mend}`] : []),
  ]);
  return `${lines.join('\n')}\n`;
};
