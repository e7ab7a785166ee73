import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from '../../../server/docker/pool.ts';
import { imageId } from '../../../server/docker/readiness.ts';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { minute, poolTimes } from '../../../server/options.ts';
import { recordingLog } from '../../support/jobs.ts';
import type { TestSandboxes } from '../../support/sandboxes.ts';
import type { Bench } from '../bench.ts';
import { interleave, timed } from '../measure.ts';
import { assertSameContainer, type DockerRun, dockerRun, specOf } from './docker-run.ts';
import { openProductionSandboxes, productionOptions } from './production.ts';

/** Until a job has its sandbox: one that waits in the pool, or one that has to be started. */
export const acquire: Bench = async (rounds, signal) => {
  await using sandboxes = await openProductionSandboxes();
  const { docker, serverId } = sandboxes;
  const spec = specOf(productionOptions(), serverId);
  await assertSameContainer(docker, spec);
  const runs: DockerRun[] = [];
  const firstCommands: number[] = [];

  const samples = await interleave(
    rounds,
    {
      cold: async () => {
        const started = performance.now();
        await using _sandbox = await sandboxes.acquire('bench', signal);
        return performance.now() - started;
      },
      run: async () => {
        const run = await dockerRun(spec, signal);
        runs.push(run);
        return run.endedMs;
      },
      engine: async () => {
        const started = performance.now();
        const container = await docker.createContainer(spec);
        await container.start();
        const ms = performance.now() - started;
        await container.remove({ force: true });
        return ms;
      },
      warm: async () => {
        await using pool = await openFullPool(sandboxes, signal);
        const started = performance.now();
        await using sandbox = await pool.acquire('bench', signal);
        const ms = performance.now() - started;
        if (!sandbox.warm) throw new Error('The pool had none to give.');
        firstCommands.push(ms + (await timed(() => firstCommand(sandbox, signal))));
        return ms;
      },
    },
    signal,
  );

  const run = { name: 'docker run, until removed', samples: samples.run };
  const cold = { name: 'cold', unit: 'ms', ours: samples.cold } as const;
  return {
    title: 'Acquire a sandbox',
    about: `Cold: until container, toolbox and channel answer. Against «docker run --rm … echo up» with the flags of a sandbox (the bench
has compared the two containers as the engine describes them), until its first byte, and until its container is removed and
the program ended; and against the engine’s API, until it says that the container has started: there nothing has answered yet.
Warm: the pool had one ready; its making is not counted.`,
    rows: [
      { ...cold, baseline: run, target: { ratioMax: 1.15 } },
      {
        ...cold,
        baseline: { name: 'docker run, until it answers', samples: runs.map(({ answeredMs }) => answeredMs) },
      },
      { ...cold, baseline: { name: 'create and start by the API', samples: samples.engine } },
      { name: 'warm, from the pool', unit: 'ms', ours: samples.warm, baseline: run, target: { p50Max: 20 } },
      { name: 'warm, with a first command', unit: 'ms', ours: firstCommands, baseline: run },
    ],
    notes: [],
  };
};

const firstCommand = (sandbox: Sandbox, signal: AbortSignal) =>
  sandbox.exec({ command: 'true', timeoutMs: 10_000, outputBytesMax: 1000 }, signal);

/** As the server makes it, but it is not filled again while somebody measures. */
const openFullPool = async (sandboxes: TestSandboxes, signal: AbortSignal) => {
  const pool = createPool(sandboxes, {
    size: 1,
    imageId: () => imageId(sandboxes.docker, sandboxes.image),
    ...{ ...poolTimes, refillAfterMs: minute, log: recordingLog() },
  });
  while (pool.waiting() === 0) await sleep(20, undefined, { signal });
  return pool;
};
