import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Forge } from '../../support/forge/forge.ts';
import { eventsOf, postJob } from '../../support/job-stream.ts';
import type { TestSandboxes } from '../../support/sandboxes.ts';
import { startServerProcess } from '../../support/server-process.ts';
import { openProductionSandboxes } from '../sandbox/production.ts';
import { type CommandOutcome, runHiddenTests } from './hidden-tests.ts';
import { type End, judge, type Verdict } from './judge.ts';
import { filesOf, type Task } from './tasks.ts';

/** Without an end where the job could not be run to one; then `verdict` says why. */
export type Attempt = { task: Task; end?: End; verdict: Verdict };

const jobsAtOnce = 2;

/**
 * Gives each task to a server as a user would, with the model that the settings name, and judges what came of it. The
 * forge stands for GitHub. `onAttempt` is told of each as it ends; they come back in the order of the tasks.
 */
export const runTasks = async (
  tasks: readonly Task[],
  forge: Forge,
  modelSettings: Record<string, string>,
  signal: AbortSignal,
  onAttempt: (attempt: Attempt) => void = () => {},
): Promise<Attempt[]> => {
  await using stack = new AsyncDisposableStack();
  const sandboxes = stack.use(await openProductionSandboxes());
  const data = await mkdtemp(path.join(tmpdir(), 'backspace-bench-'));
  stack.defer(() => rm(data, { recursive: true, force: true }));
  const server = stack.use(
    await startServerProcess({
      ...{ DATA_DIR: data, JOBS_RUNNING_MAX: `${jobsAtOnce}`, LOG_LEVEL: 'info' },
      ...modelSettings,
      ...{ GITHUB_URL: forge.url, GITHUB_API_URL: forge.apiUrl, GITHUB_TOKEN: forge.token },
    }),
  );
  const attempts = new Map<Task, Attempt>();
  const waiting = [...tasks];
  const work = async () => {
    for (let task = waiting.shift(); task; task = waiting.shift()) {
      signal.throwIfAborted();
      const place = { forge, sandboxes, url: server.url, log: server.log };
      const attempt = await runTask(task, place, signal).catch((error: unknown): Attempt => {
        signal.throwIfAborted();
        // What the other tasks have cost must not be lost.
        return { task, verdict: { solved: false, why: `could not be run: ${String(error)}` } };
      });
      attempts.set(task, attempt);
      onAttempt(attempt);
    }
  };
  await Promise.all(Array.from({ length: jobsAtOnce }, work));
  return tasks.flatMap((task) => attempts.get(task) ?? []);
};

type Place = { forge: Forge; sandboxes: TestSandboxes; url: string; log: () => string };

const runTask = async (
  task: Task,
  { forge, sandboxes, url, log }: Place,
  signal: AbortSignal,
): Promise<Attempt> => {
  const files = await filesOf(task, 'repository');
  const repository = await forge.createRepository(`bench/${task.name}`, { files });
  const body = {
    repoUrl: `${forge.url}/${repository.fullName}`,
    prompt: task.prompt,
    checks: task.checks.map(({ command }) => command),
  };
  const { end, said } = await readJob(await postJob(url, body, { signal }), url);
  if (end === undefined) throw new Error(`The stream broke off. The server’s log:\n${log().slice(-4_000)}`);
  const { hidden } = task;
  const { commit } = end.saved;
  const outcome: CommandOutcome | undefined =
    hidden !== undefined && commit !== undefined
      ? await runHiddenTests({ ...task, hidden }, repository, commit, sandboxes, signal)
      : undefined;
  return { task, end, verdict: judge(task, end, { said, hidden: outcome }) };
};

/** Reads the job's stream to its terminal event. A job that nobody waits for any more is cancelled: it would cost on. */
const readJob = async (response: Response, url: string): Promise<{ end?: End; said: string }> => {
  if (!response.ok) throw new Error(`The server did not take the job: ${await response.text()}`);
  let jobId: string | undefined;
  let said: string[] = [];
  try {
    for await (const event of eventsOf(response)) {
      if (event.type === 'Job: Queued') jobId = event.jobId;
      if (event.type === 'AI Message') said.push(event.message);
      // What was said before a tool call is not the last word.
      if (event.type.startsWith('Tool: ')) said = [];
      if (event.type === 'Result' || event.type === 'Error') return { end: event, said: said.join('\n') };
    }
    return { said: said.join('\n') };
  } catch (error) {
    if (jobId !== undefined) await fetch(`${url}/jobs/${jobId}`, { method: 'DELETE' }).catch(() => {});
    throw error;
  }
};
