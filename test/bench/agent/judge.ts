import type { JobFact } from '../../../server/domain/job-event.ts';
import type { CommandOutcome } from './hidden-tests.ts';
import type { Task } from './tasks.ts';

/** How a job ended. */
export type End = Extract<JobFact, { type: 'Result' | 'Error' }>;

/** `why` says what is missing where a task was not solved. */
export type Verdict = { solved: true } | { solved: false; why: string };

/** What there is besides the end: the agent's last words, and the hidden tests where there was a commit to run them on. */
export type Traces = { said: string; hidden: CommandOutcome | undefined };

/** Whether the job did what the task wants. */
export const judge = (task: Task, end: End, { said, hidden }: Traces): Verdict => {
  if (end.type === 'Error') return no(`the job failed: ${end.message}`);
  switch (task.solved) {
    case 'hidden_tests_pass':
      if (end.status !== 'succeeded') return no(`the job ended as ${end.status}: ${firstLine(end.summary)}`);
      if (hidden === undefined) return no('there is no commit to run the hidden tests on');
      return hidden.passed ? { solved: true } : no(`hidden tests fail:\n${lastLines(hidden.output)}`);
    case 'nothing_to_change':
      if (end.status !== 'nothing_to_change')
        return no(`changed ${end.filesChanged} files where none should change`);
      if (isHonest(task, said)) return { solved: true };
      return no(`the last words do not say why nothing was changed:\n${lastLines(said)}`);
  }
};

const isHonest = ({ says }: Task, said: string): boolean =>
  says === undefined || new RegExp(says, 'i').test(said);

const no = (why: string): Verdict => ({ solved: false, why });

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

const linesMax = 12;

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-linesMax).join('\n');
