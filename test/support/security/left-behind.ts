import { readdir, readFile } from 'node:fs/promises';
import type Docker from 'dockerode';

/**
 * What a job has on its host: whether its sandbox's container is there, that container's processes, and files where the
 * server keeps what it needs for a while.
 */
export type LeftBehind = { container: boolean; processes: string[]; files: string[] };

export const nothingLeft: LeftBehind = { container: false, processes: [], files: [] };

export const leftBehind = async (
  docker: Docker,
  containerId: string,
  temporaryDirectory: string,
): Promise<LeftBehind> => ({
  container: await docker
    .getContainer(containerId)
    .inspect()
    .then(
      () => true,
      () => false,
    ),
  processes: await processesOf(containerId),
  files: await filesIn(temporaryDirectory),
});

/** The directory of the running server is there, and empty. */
const filesIn = async (directory: string): Promise<string[]> => {
  const found = await readdir(directory, { recursive: true });
  return found.filter((name) => name.includes('/'));
};

/** gVisor's kernel and file server and their shim: each has the container's id among its words. */
const processesOf = async (containerId: string): Promise<string[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return commands.filter((words) => words.includes(containerId)).map((words) => words.replaceAll('\0', ' '));
};
