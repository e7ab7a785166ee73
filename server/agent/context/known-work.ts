import type { JobFact } from '../../domain/job-event.ts';
import { cut, oneLine } from '../../domain/visible-text.ts';

/** What the server itself knows of the work so far, for a summary: however the model remembers it. */
export type KnownWork = {
  add(fact: JobFact): void;
  /** In Markdown; empty while there is nothing to tell. */
  inWords(): string;
};

const filesMax = 100;
const commandsMax = 15;
const commandCharactersMax = 200;

export const createKnownWork = (told: readonly JobFact[]): KnownWork => {
  let plan: Extract<JobFact, { type: 'AI Plan' }>['steps'] = [];
  /** In the order of their last change, as the commands in that of their last run. */
  const files = new Set<string>();
  const commands = new Map<string, number | null>();

  const add = (fact: JobFact) => {
    if (fact.type === 'AI Plan' && fact.error === undefined) plan = fact.steps;
    if ((fact.type === 'Tool: Edit' || fact.type === 'Tool: Write') && fact.error === undefined) {
      files.delete(fact.filepath);
      files.add(fact.filepath);
    }
    if (fact.type === 'Tool: Bash') {
      commands.delete(fact.command);
      commands.set(fact.command, fact.exitCode);
    }
  };
  told.forEach(add);

  return {
    add,
    inWords: () =>
      [
        section(
          'The plan, as it was shown last',
          plan.map(({ title, state }) => `- ${state}: ${title}`),
          plan.length,
        ),
        section(
          'Files that were changed with edit and write, the latest change last',
          [...files].map((file) => `- ${file}`),
          filesMax,
        ),
        section(
          'Commands, each with the exit code of its last run, the latest last',
          [...commands].map(
            ([command, exitCode]) =>
              `- ${cut(oneLine(command), commandCharactersMax)} → ${exitCode ?? 'killed'}`,
          ),
          commandsMax,
        ),
      ]
        .filter((text) => text !== '')
        .join('\n\n'),
  };
};

const section = (heading: string, lines: readonly string[], linesMax: number): string => {
  const more = lines.length - linesMax;
  const shown = more > 0 ? [`- … and ${more} before these`, ...lines.slice(-linesMax)] : lines;
  return shown.length === 0 ? '' : [`# ${heading}`, ...shown].join('\n');
};
