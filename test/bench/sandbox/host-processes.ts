import { readdir, readFile } from 'node:fs/promises';

/** One of the host’s processes that exist for a container. */
export type HostProcess = {
  /** As it calls itself: `runsc-sandbox`, `containerd-shim-runc-v2`. */
  program: string;
  /** Whether the container’s cgroup counts its memory, and its limit holds it. */
  isInCgroup: boolean;
  /** Pages that it has in memory, shared ones in full. */
  rssMegabytes: number;
  /** The same, of each shared page the share of this process only. */
  pssMegabytes: number;
};

/** Found by the container’s id in their command line; none when the engine runs on another host or hides them. */
export const hostProcessesOf = async (containerId: string): Promise<HostProcess[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const found = await Promise.all(pids.map((pid) => describe(pid, containerId).catch(() => undefined)));
  return found.filter((one) => one !== undefined);
};

/** Throws when the process has gone meanwhile. */
const describe = async (pid: string, containerId: string): Promise<HostProcess | undefined> => {
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  if (!words.some((word) => word.includes(containerId))) return undefined;
  const memory = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const megabytes = (field: string) =>
    (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(memory)?.[1]) * 1024) / 1e6;
  return {
    program: words[0]?.split('/').at(-1) ?? '',
    isInCgroup: (await readFile(`/proc/${pid}/cgroup`, 'utf8')).includes(containerId),
    rssMegabytes: megabytes('Rss'),
    pssMegabytes: megabytes('Pss'),
  };
};
