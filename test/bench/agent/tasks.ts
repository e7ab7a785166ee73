import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { type Files, readFolder } from '../../support/forge/repository-files.ts';

/** What an agent is asked to do, as `tasks/<name>/` says it; CONTRIBUTING.md tells how to add one. */
const taskSchema = z.strictObject({
  prompt: z.string().min(1),
  language: z.string().min(1),
  kind: z.enum(['bug', 'feature', 'refactoring', 'no_change', 'impossible']),
  /** What everybody can run, and whether it passes at the base. The job is told of them. */
  checks: z.array(z.strictObject({ command: z.string(), passes: z.boolean() })).min(1),
  /** Runs the hidden tests, where they lie over a repository. */
  hidden: z.string().optional(),
  solved: z.enum(['hidden_tests_pass', 'nothing_to_change']),
  /** A regular expression: what an honest agent says last that has changed nothing. Case does not matter. */
  says: z.string().optional(),
});

export type Task = z.infer<typeof taskSchema> & { name: string };

/** The folders of a task that hold files. */
type Part = 'repository' | 'hidden' | 'solution';

const directory = path.join(import.meta.dirname, 'tasks');

/** All tasks, by name. */
export const readTasks = async (): Promise<Task[]> => {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(names.toSorted().map(readTask));
};

/** Nothing where the task has no such folder. */
export const filesOf = async ({ name }: Pick<Task, 'name'>, part: Part): Promise<Files> =>
  (await readdir(path.join(directory, name))).includes(part)
    ? readFolder(path.join(directory, name, part))
    : {};

const readTask = async (name: string): Promise<Task> => {
  const file = path.join(directory, name, 'task.json');
  const parsed = taskSchema.safeParse(JSON.parse(await readFile(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file} is no task: ${z.prettifyError(parsed.error)}`);
  return { ...parsed.data, name };
};
