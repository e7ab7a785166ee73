import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

export type TemporaryDirectory = AsyncDisposable & { path: string };

/**
 * A directory for this process alone. What processes that were killed have left goes first: a directory has its process's
 * number in its name, and when there is no such process any more it is nobody's.
 */
export const openTemporaryDirectory = async (parent = os.tmpdir()): Promise<TemporaryDirectory> => {
  for (const name of await readdir(parent)) {
    // Whatever cannot be removed is left for the next start: the server has its own one.
    if (await isAbandoned(parent, name)) await remove(path.join(parent, name)).catch(() => {});
  }
  const own = await mkdtemp(path.join(parent, `${prefix}${process.pid}-`));
  return { path: own, [Symbol.asyncDispose]: () => remove(own) };
};

const prefix = 'tiny-backspace-';
const names = new RegExp(`^${prefix}(\\d+)-[^-]+$`);

const remove = (directory: string): Promise<void> => rm(directory, { recursive: true, force: true });

const isAbandoned = async (parent: string, name: string): Promise<boolean> => {
  const pid = Number(names.exec(name)?.[1]);
  if (Number.isNaN(pid) || (pid !== process.pid && isRunning(pid))) return false;
  const found = await lstat(path.join(parent, name)).catch(() => undefined);
  // In a directory for all, somebody else may have made it.
  return found?.isDirectory() === true && found.uid === process.getuid?.();
};

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
};
