import { startForge } from '../../support/forge/forge.ts';
import { settings } from '../sandbox/production.ts';
import { attemptJson, attemptLine, presentAttempts } from './report.ts';
import { runTasks } from './run-tasks.ts';
import type { Task } from './tasks.ts';

/** What the live model made of the tasks: as text, and for the JSON file. */
export const agent = async (
  tasks: readonly Task[],
  live: Record<string, string>,
  signal: AbortSignal,
  say: (text: string) => void,
) => {
  const { MODEL, ANTHROPIC_BASE_URL } = settings(live);
  const model = `${MODEL} at ${new URL(ANTHROPIC_BASE_URL).host}`;
  say(`Live: ${model} gets ${tasks.length} tasks, each once. Tokens will be spent.\n`);
  await using forge = await startForge();
  const attempts = await runTasks(tasks, forge, live, signal, (attempt) => say(attemptLine(attempt)));
  const failed = attempts.flatMap(({ task, end, verdict }) =>
    end === undefined && !verdict.solved ? [{ name: `agent/${task.name}`, message: verdict.why }] : [],
  );
  const text = `\n${presentAttempts(attempts, model)}`;
  return { text, json: { model, attempts: attempts.map(attemptJson) }, failed };
};
