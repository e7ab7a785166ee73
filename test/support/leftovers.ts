import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { findStrayProcesses, type StrayProcess } from '../../server/docker/doctor/stray-processes.ts';
import { containersOf } from './sandboxes.ts';

/** What nobody should find on a host when a server's jobs are over. */
export type Leftovers = {
  /** The server's containers, in whichever state. */
  containers: string[];
  /** What still runs in them by `docker exec`, the toolbox of a live sandbox aside. */
  execs: string[];
  /** gVisor's processes without a container, whosever they were. */
  processes: StrayProcess[];
};

export type LeftoverWatch = {
  look(): Promise<Leftovers>;
  /** Looks until nothing is left for a while; fails with what is left when that takes longer. */
  untilNone(withinMs?: number): Promise<void>;
};

/** A container that Docker was just asked for may come into sight a moment later. */
const quietMs = 1500;
const everyMs = 500;

/** Stray processes that are there already are not held against this server. */
export const watchLeftovers = async (docker: Docker, serverId: string): Promise<LeftoverWatch> => {
  const before = new Set((await strays(docker)).map(({ pid }) => pid));

  const look = async (): Promise<Leftovers> => {
    const containers = await containersOf(docker, serverId);
    const execs = (await Promise.all(containers.map((id) => execsIn(docker, id)))).flat();
    const processes = (await strays(docker)).filter(({ pid }) => !before.has(pid));
    return { containers, execs, processes };
  };

  return {
    look,
    async untilNone(withinMs = 60_000) {
      const endsAt = performance.now() + withinMs;
      let cleanSince: number | undefined;
      for (;;) {
        const left = await look();
        const isClean = Object.values(left).every((found) => found.length === 0);
        cleanSince = isClean ? (cleanSince ?? performance.now()) : undefined;
        if (cleanSince !== undefined && performance.now() - cleanSince >= quietMs) return;
        if (!isClean && performance.now() > endsAt)
          assert.fail(`still there after ${withinMs / 1000} s: ${JSON.stringify(left)}`);
        await sleep(everyMs);
      }
    },
  };
};

const strays = async (docker: Docker): Promise<StrayProcess[]> =>
  (await findStrayProcesses(docker)) ??
  assert.fail('the engine is on another host: its processes are not seen');

const execsIn = async (docker: Docker, containerId: string): Promise<string[]> => {
  try {
    const { ExecIDs } = (await docker.getContainer(containerId).inspect()) as { ExecIDs?: string[] | null };
    const execs = await Promise.all((ExecIDs ?? []).map((id) => docker.getExec(id).inspect()));
    return execs
      .filter(({ Running }) => Running)
      .map(({ ProcessConfig }) => [ProcessConfig.entrypoint, ...ProcessConfig.arguments].join(' '))
      .filter((command) => !command.includes('/opt/backspace/toolbox/'));
  } catch (error) {
    // It went meanwhile.
    if ((error as { statusCode?: number }).statusCode === 404) return [];
    throw error;
  }
};
