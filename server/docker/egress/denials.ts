import type { DenialReport, EgressDenial } from '../../domain/egress.ts';

/** All refusals of a job: each distinct one is told once, and beyond a limit they are only counted. */
export type Denials = {
  tell(denial: EgressDenial): void;
  report(): DenialReport;
};

export const createDenials = (onDenied: (denial: EgressDenial) => void): Denials => {
  const counted = new Map<string, EgressDenial & { count: number }>();
  let total = 0;
  return {
    tell(denial) {
      total += 1;
      const key = `${denial.host} ${denial.port} ${denial.reason}`;
      const before = counted.get(key);
      if (before !== undefined) before.count += 1;
      else if (counted.size < distinctMax) {
        counted.set(key, { ...denial, count: 1 });
        onDenied(denial);
      }
    },
    report: () => ({ total, distinct: [...counted.values()].map((denial) => ({ ...denial })) }),
  };
};

/** Somebody inside who asks for ever new hosts must not fill the job's events and the pull request. */
const distinctMax = 100;

/** Hostile text in a form that is harmless in a log, a terminal and a pull request: no spaces, markup or mentions. */
export const presentableHost = (text: string): string => {
  const charactersMax = 120;
  const shown = text.slice(0, charactersMax).replace(/[^A-Za-z0-9.:[\]-]/g, '?');
  return shown === '' ? '?' : shown;
};
