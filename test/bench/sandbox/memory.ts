import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { Bench } from '../bench.ts';
import { quantity } from '../report.ts';
import { specOf } from './docker-run.ts';
import { type HostProcess, hostProcessesOf } from './host-processes.ts';
import { openProductionSandboxes, productionOptions } from './production.ts';

/** Long after the last thing that a start does. */
const idleMs = 5000;

/** What a sandbox holds that waits for its job, and what the host holds beside it. */
export const memory: Bench = async (rounds, signal) => {
  await using sandboxes = await openProductionSandboxes();
  const { docker, serverId } = sandboxes;
  await using owned = new AsyncDisposableStack();
  const spec = specOf(productionOptions(), serverId);
  const waiting: Docker.Container[] = [];
  const bare: Docker.Container[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const sandbox = owned.use(await sandboxes.acquire('bench', signal));
    waiting.push(docker.getContainer(sandbox.id));
    const container = await docker.createContainer(spec);
    bare.push(container);
    await container.start();
  }
  await sleep(idleMs, undefined, { signal });
  const [ours, others] = [await each(waiting, usedMegabytes), await each(bare, usedMegabytes)];
  const processes = await each(waiting, ({ id }) => hostProcessesOf(id));

  const baseline = { name: 'without the toolbox', samples: others };
  return {
    title: 'Memory of an idle sandbox',
    about: `What «docker stats» shows of the container’s cgroup: all of gVisor’s kernel, of the processes inside and of the files in them,
without file pages that could be dropped. Read ${idleMs / 1000} s after the last of ${rounds} starts, against containers of the same spec
that only wait. What the engine needs beside a container is not in it, nor held by its limit:`,
    rows: [
      { name: 'cgroup', unit: 'MB', ours, baseline, target: { p50Max: 60 } },
      ...besides(processes).map(([name, samples]) => ({ name, unit: 'MB', ours: samples }) as const),
    ],
    notes: [programs(processes)],
  };
};

const each = async <T>(
  containers: readonly Docker.Container[],
  look: (container: Docker.Container) => Promise<T>,
) => {
  const results: T[] = [];
  for (const container of containers) results.push(await look(container));
  return results;
};

/** As `docker stats` computes it, for version 1 and 2 of cgroups: docker/cli, container/stats_helpers.go. */
const usedMegabytes = async (container: Docker.Container): Promise<number> => {
  const { memory_stats: found } = await container.stats({ stream: false, 'one-shot': true });
  const stats = found.stats as { inactive_file: number; total_inactive_file?: number };
  return (found.usage - (stats.total_inactive_file ?? stats.inactive_file)) / 1e6;
};

const besides = (processes: readonly (readonly HostProcess[])[]): [string, number[]][] => {
  if (processes.every((some) => some.length === 0)) return [];
  const sum = (field: 'rssMegabytes' | 'pssMegabytes') =>
    processes.map((some) => some.reduce((total, one) => total + (one.isInCgroup ? 0 : one[field]), 0));
  return [
    ['beside the cgroup, RSS', sum('rssMegabytes')],
    ['beside the cgroup, PSS', sum('pssMegabytes')],
  ];
};

/** Of one sandbox as an example: all have the same. */
const programs = ([some = []]: readonly (readonly HostProcess[])[]): string => {
  if (some.length === 0) return 'No process of the sandboxes can be seen here: the engine runs elsewhere.';
  const described = some.map(
    ({ program, isInCgroup, rssMegabytes, pssMegabytes }) =>
      `  ${program.padEnd(24)} ${isInCgroup ? 'in its cgroup' : 'beside it    '}  RSS ${quantity(rssMegabytes, 'MB')}, PSS ${quantity(pssMegabytes, 'MB')}`,
  );
  return [
    'The host’s processes of the first of them (those of the program inside have no name of their own):',
    ...described,
  ].join('\n');
};
