import assert from 'node:assert/strict';
import { labels } from '../../server/docker/container-spec.ts';
import { requireDocker } from './docker.ts';
import { startFarEnds } from './far-ends.ts';
import type { Forge, ForgeRepository } from './forge/forge.ts';
import { eventsOf, postJob, type StreamedEvent } from './job-stream.ts';
import { call, type Scenario, say, type Turn } from './model/scenario.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

export type TestJob = {
  repository: ForgeRepository;
  turns: Turn[];
  baseBranch?: string;
  /** Further fields of the request. */
  request?: Record<string, unknown>;
  /** Another address than the repository's present one. */
  repoUrl?: string;
};

export type Outcome = {
  jobId: string;
  prompt: string;
  events: StreamedEvent[];
  /** The terminal event. */
  last: StreamedEvent;
};

/** Many times what the largest job needs: a job that hangs fails its test. */
const jobMs = 120_000;

/** One server process between a forge and a model, for many jobs with real sandboxes. */
export type JobBench = AsyncDisposable & {
  forge: Forge;
  server: ServerProcess;
  /** Runs a job to its end. Every job is also held to this: no sandbox is left, and GitHub understood each request. */
  run(job: TestJob): Promise<Outcome>;
};

export const startJobBench = async (
  settings: (forge: Forge) => Record<string, string> = () => ({}),
): Promise<JobBench> => {
  const docker = await requireDocker();
  const scenarios: Scenario[] = [];
  // Without a server the far ends go, too, or they would keep a failed test file alive.
  await using started = new AsyncDisposableStack();
  const farEnds = started.use(await startFarEnds(scenarios));
  const { forge } = farEnds;
  const server = started.use(await startServerProcess({ ...farEnds.settings, ...settings(forge) }));
  const owned = started.move();

  return {
    forge,
    server,
    async run({
      repository,
      turns,
      baseBranch,
      request = {},
      repoUrl = `${forge.url}/${repository.fullName}`,
    }) {
      const name = `«scenario ${scenarios.length + 1}»`;
      scenarios.push({ name, when: name, turns });
      const prompt = `Change the repository as ${name} says.`;
      const body = { repoUrl, prompt, ...(baseBranch ? { baseBranch } : {}), ...request };
      const response = await postJob(server.url, body, { signal: AbortSignal.timeout(jobMs) });
      const events = await Array.fromAsync(eventsOf(response));
      const [first, last] = [events[0], events.at(-1)];
      assert(first?.type === 'Job: Queued' && last, 'the job was taken');
      const { jobId } = first;
      const filters = { label: [`${labels.job}=${jobId}`] };
      assert.deepEqual(await docker.listContainers({ all: true, filters }), [], 'no sandbox is left');
      assert.deepEqual(forge.violations, []);
      // No test expects what the server did not foresee, and only its log tells more.
      if (last.type === 'Error' && last.code === 'internal') {
        assert.fail(
          server
            .log()
            .split('\n')
            .filter((line) => line.includes(jobId))
            .join('\n'),
        );
      }
      return { jobId, prompt, events, last };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};

/** The model runs one script, which must succeed, and then says that it is done. */
export const script = (command: string): Turn[] => [
  { reply: [call('bash', { command: `set -euo pipefail\n${command}` })] },
  { expect: /\[exit code 0, /, reply: [done] },
];

/** What the model says last: title and description of the pull request. */
export const done = say('Change what was asked for\n\nAll of it is done.');
