import type Docker from 'dockerode';
import type { Log } from '../domain/log.ts';
import { labels } from './container-spec.ts';
import { remove } from './sandboxes.ts';
import { withSignal } from './with-signal.ts';

export type ReaperOptions = {
  serverId: string;
  processId: string;
  /** Whether a job or the pool of this process has the container. */
  holds: (containerId: string) => boolean;
  /** What the store says of it: a job's that goes on, wherever that runs; of one that is over; or nothing. */
  use: (container: {
    containerId: string;
    jobId: string;
    processId: string;
  }) => Promise<'wanted' | 'over' | 'unknown'>;
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
  const stopping = new AbortController();
  let looking = Promise.resolve();

  const within = <T>(promise: Promise<T>, timeoutMs: number) =>
    withSignal(promise, AbortSignal.any([stopping.signal, AbortSignal.timeout(timeoutMs)]));

  const judgeOne = async (container: Docker.ContainerInfo) => {
    const sandbox = container.Id.slice(0, 12);
    try {
      const why = await within(judge.whyToRemove(container), answerMs);
      if (why === undefined) return;
      await within(remove(docker.getContainer(container.Id)), removalMs);
      log.info({ sandbox, why }, 'a sandbox without an owner was removed');
    } catch (err) {
      if (!stopping.signal.aborted) log.warn({ err, sandbox }, 'a sandbox could not be judged or removed');
    }
  };

  const look = async () => {
    try {
      const filters = { label: [labels.server] };
      const containers = await within(docker.listContainers({ all: true, filters }), answerMs);
      judge.forgetAllBut(containers.map(({ Id }) => Id));
      for (const container of containers) await judgeOne(container);
    } catch (err) {
      if (!stopping.signal.aborted) log.warn({ err }, 'sandboxes without an owner could not be looked for');
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
      stopping.abort(new Error('The server stops.'));
      await looking;
    },
  };
};

/** Docker can hang on one container (seen: its sandbox had died, its lock was kept), and must not hold up the others. */
const answerMs = 5000;
const removalMs = 60_000;

const createJudge = (docker: Docker, options: ReaperOptions) => {
  const { serverId, processId, holds, use, graceMs } = options;
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
      const known = { jobId: Labels[labels.job] ?? '', processId: Labels[labels.process] ?? '' };
      switch (await use({ containerId: id, ...known })) {
        case 'wanted':
          return undefined;
        case 'over':
          return 'its job has ended, or has another one';
        case 'unknown':
      }
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
