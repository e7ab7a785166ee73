import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';

/** A process of gVisor, and the container that it says it is of. */
export type StrayProcess = { pid: number; containerId: string };

/**
 * gVisor's processes of containers that the engine does not list, not even as ended: a start that failed was seen to
 * leave some, and nobody ends them. undefined when the engine is on another host, whose processes cannot be seen.
 */
export const findStrayProcesses = async (
  docker: Docker,
  proc = '/proc',
): Promise<StrayProcess[] | undefined> => {
  const isLocal = (docker.modem as { socketPath?: string }).socketPath !== undefined;
  if (!isLocal) return undefined;
  const first = await look(docker, proc);
  if (first.length === 0) return [];
  // A container that is just being made or removed may be in one list and not in the other.
  await sleep(againMs);
  const second = await look(docker, proc);
  return second.filter((one) =>
    first.some(({ pid, containerId }) => pid === one.pid && containerId === one.containerId),
  );
};

const againMs = 1000;

const look = async (docker: Docker, proc: string): Promise<StrayProcess[]> => {
  // In this order, since Docker lists a container before it starts the first process.
  const processes = await runscProcesses(proc);
  const listed = new Set((await docker.listContainers({ all: true })).map(({ Id }) => Id));
  // Another engine on the same host has another place for what it runs, and its own list. Where nothing of ours runs
  // nobody can tell whose a process is.
  const ours = new Set(processes.flatMap(({ containerId, root }) => (listed.has(containerId) ? [root] : [])));
  return processes
    .filter(({ containerId, root }) => !listed.has(containerId) && (ours.size === 0 || ours.has(root)))
    .map(({ pid, containerId }) => ({ pid, containerId }));
};

type RunscProcess = StrayProcess & { root: string };

const runscProcesses = async (proc: string): Promise<RunscProcess[]> => {
  const pids = (await readdir(proc)).filter((name) => /^\d+$/.test(name));
  const processes = await Promise.all(pids.map((pid) => describe(Number(pid), `${proc}/${pid}/cmdline`)));
  return processes.filter((one) => one !== undefined);
};

/**
 * By its command line: `runsc-sandbox … --root=/var/run/docker/runtime-runc/moby … <container id>`. A gofer names the
 * container only in the paths that it is given, and a process that has ended has no words at all.
 */
const describe = async (pid: number, file: string): Promise<RunscProcess | undefined> => {
  const words = (await readFile(file, 'latin1').catch(() => '')).split('\0');
  if (!/(^|\/)runsc(-[a-z]+)?$/.test(words[0] ?? '')) return undefined;
  const line = words.join(' ');
  const containerId = /(?:^|[ /])([0-9a-f]{64})(?=[ /]|$)/.exec(line)?.[1];
  const root = / --?root[= ](\S+)/.exec(line)?.[1] ?? '';
  return containerId === undefined ? undefined : { pid, containerId, root };
};
