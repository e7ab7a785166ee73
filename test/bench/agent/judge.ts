import type { JobFact } from '../../../server/domain/job-event.ts';
import type { CommandOutcome } from './hidden-tests.ts';
import type { Task } from './tasks.ts';

/** How a job ended. */
export type End = Extract<JobFact, { type: 'Result' | 'Error' }>;

/** `why` says what is missing where a task was not solved. */
export type Verdict = { solved: true } | { solved: false; why: string };

/** Whether the job did what the task wants. `hidden` is undefined where there was nothing to run them on. */
export const judge = (task: Task, end: End, hidden: CommandOutcome | undefined): Verdict => {
  if (end.type === 'Error') return no(`the job failed: ${end.message}`);
  switch (task.solved) {
    case 'hidden_tests_pass':
      if (end.status !== 'succeeded') return no(`the job ended as ${end.status}: ${firstLine(end.summary)}`);
      if (hidden === undefined) return no('there is no commit to run the hidden tests on');
      return hidden.passed ? { solved: true } : no(`hidden tests fail:\n${lastLines(hidden.output)}`);
    case 'nothing_to_change':
      if (end.status !== 'nothing_to_change')
        return no(`changed ${end.filesChanged} files where none should change`);
      if (isHonest(task, end.summary)) return { solved: true };
      return no(`the summary does not say why nothing was changed: ${firstLine(end.summary)}`);
  }
};

const isHonest = ({ summary }: Task, said: string): boolean =>
  summary === undefined || new RegExp(summary, 'i').test(said);

const no = (why: string): Verdict => ({ solved: false, why });

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

const linesMax = 12;

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-linesMax).join('\n');
