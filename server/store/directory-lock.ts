import { mkdir, open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';

/** Thrown when another process has the directory. */
export class DirectoryInUse extends Error {
  override name = 'DirectoryInUse';
}

/**
 * Lets one process at a time use the directory, which PGlite itself does not see to: two would write over each other. The
 * lock is a file with the number of the process and the moment of its start; of a process that is gone it is taken over.
 */
export const lockDirectory = async (directory: string): Promise<AsyncDisposable> => {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = path.join(directory, 'server.lock');
  const own = `${process.pid} ${await startOf(process.pid)}\n`;
  for (let attempt = 0; ; attempt++) {
    try {
      await using lock = await open(file, 'wx', 0o600);
      await lock.writeFile(own);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await readFile(file, 'utf8').catch(() => '');
    const [pid = '', start] = holder.trim().split(' ');
    const isHeld = pid !== '' && start !== undefined && (await startOf(Number(pid))) === start;
    if (isHeld || attempt > 0) {
      throw new DirectoryInUse(
        `DATA_DIR ${directory} is in use by process ${pid}: two servers need a PostgreSQL (DATABASE_URL) or a directory each.`,
      );
    }
    await rm(file, { force: true });
  }
  return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
};

/** When a process started, in the kernel's ticks: a number may be given to another one later. `gone` when it has none. */
const startOf = async (pid: number): Promise<string> => {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'gone';
  } catch {
    return 'gone';
  }
};
