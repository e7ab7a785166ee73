import type Docker from 'dockerode';
import type { Log } from '../domain/log.ts';
import { labels } from './container-spec.ts';
import { remove } from './sandboxes.ts';

export type ReaperOptions = {
  serverId: string;
  processId: string;
  /** Whether a job or the pool of this process has the container. */
  holds: (containerId: string) => boolean;
  everyMs: number;
  /** How long an owner may be silent before its container counts as left behind. */
  graceMs: number;
  log: Log;
};

/** Disposed, it looks no more. */
export type Reaper = AsyncDisposable & {
  /** One look at the engine; never throws. */
  look(): Promise<void>;
};

/**
 * Removes every sandbox on the engine that has no live owner, now and then: what a former process of this server has
 * left, what this process has failed to remove, and what other servers have left. Those others may live, and nobody can
 * ask them: but a live owner always has the toolbox running by its execs, which end with the connection to it. Whatever
 * was done inside to make them look alive ends with the time that no job can exceed.
 */
export const startReaper = (docker: Docker, options: ReaperOptions): Reaper => {
  const { log, everyMs } = options;
  const judge = createJudge(docker, options);
  let looking = Promise.resolve();

  const look = async () => {
    try {
      const filters = { label: [labels.server] };
      const containers = await docker.listContainers({ all: true, filters });
      judge.forgetAllBut(containers.map(({ Id }) => Id));
      for (const container of containers) {
        const why = await judge.whyToRemove(container);
        if (why === undefined) continue;
        await remove(docker.getContainer(container.Id));
        log.info({ sandbox: container.Id.slice(0, 12), why }, 'a sandbox without an owner was removed');
      }
    } catch (err) {
      log.warn({ err }, 'sandboxes without an owner could not be looked for');
    }
  };
  // One after the other: a look may take longer than the time between two.
  const next = () => {
    looking = looking.then(look);
    return looking;
  };
  const timer = setInterval(next, everyMs);
  return {
    look: next,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await looking;
    },
  };
};

const createJudge = (docker: Docker, options: ReaperOptions) => {
  const { serverId, processId, holds, graceMs } = options;
  /** Since when a container was seen without anything that could be an owner's. */
  const alone = new Map<string, number>();

  const isLongAlone = (id: string, isAlone: boolean): boolean => {
    if (!isAlone) {
      alone.delete(id);
      return false;
    }
    const since = alone.get(id) ?? performance.now();
    alone.set(id, since);
    return performance.now() - since >= graceMs;
  };

  return {
    forgetAllBut(ids: readonly string[]): void {
      for (const id of alone.keys()) if (!ids.includes(id)) alone.delete(id);
    },
    async whyToRemove({ Id: id, Labels }: Docker.ContainerInfo): Promise<string | undefined> {
      if (holds(id)) return undefined;
      if (Date.now() / 1000 > Number(Labels[labels.expires] ?? Number.POSITIVE_INFINITY))
        return 'it is older than any job';
      if (Labels[labels.server] === serverId && Labels[labels.process] !== processId)
        return 'a former process of this server has left it';
      // One of this process that it does not hold is being created, or could not be removed.
      if (Labels[labels.server] === serverId)
        return isLongAlone(id, true) ? 'no job and no pool has it' : undefined;
      return isLongAlone(id, !(await hasExec(docker, id))) ? 'its server is gone' : undefined;
    },
  };
};

/** One that cannot be inspected is about to go. */
const hasExec = async (docker: Docker, id: string): Promise<boolean> => {
  const { ExecIDs } = (await docker.getContainer(id).inspect()) as { ExecIDs?: string[] | null };
  return (ExecIDs ?? []).length > 0;
};
