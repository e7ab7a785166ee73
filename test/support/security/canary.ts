import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A directory of the host that nobody inside may read or change, though its permissions would let everybody. */
export type Canary = AsyncDisposable & {
  directory: string;
  /** Stands in its file, and nowhere else on this machine. */
  mark: string;
  /** What has changed since it was laid out. */
  changes(): Promise<string[]>;
};

export const layCanary = async (): Promise<Canary> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'backspace-canary-'));
  const mark = `canary-${randomBytes(16).toString('hex')}`;
  const file = path.join(directory, name);
  await writeFile(file, mark);
  await chmod(directory, 0o777);
  await chmod(file, 0o666);
  return {
    directory,
    mark,
    async changes() {
      const names = await readdir(directory);
      const content = await readFile(file, 'utf8').catch(() => undefined);
      return [...names.filter((found) => found !== name), ...(content === mark ? [] : [name])];
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
};

const name = 'canary.txt';
