import { once } from 'node:events';
import { parentPort, Worker } from 'node:worker_threads';
import { startForge } from '../../support/forge/forge.ts';
import { repositoryFiles } from './repository-files.ts';

/** A forge with the repository that is cloned. */
export type ForgeThread = AsyncDisposable & {
  url: string;
  apiUrl: string;
  token: string;
  /** The bare repository, in one pack. */
  directory: string;
  packBytes: number;
};

const repository = { owner: 'acme', name: 'large' } as const;

export { repository as largeRepository };

/** In a thread of its own: GitHub does not take its turns with the server’s event loop either. */
export const startForgeThread = async (): Promise<ForgeThread> => {
  const thread = new Worker(new URL(import.meta.url));
  const [forge] = (await once(thread, 'message')) as [Omit<ForgeThread, keyof AsyncDisposable>];
  return {
    ...forge,
    async [Symbol.asyncDispose]() {
      const ended = once(thread, 'exit');
      thread.postMessage('stop');
      await ended;
    },
  };
};

const serve = async (port: NonNullable<typeof parentPort>): Promise<void> => {
  await using forge = await startForge();
  const { directory, git } = await forge.createRepository(`${repository.owner}/${repository.name}`, {
    files: repositoryFiles(),
  });
  await git('repack', '-a', '-d', '-q');
  const [, kilobytes = ''] = /size-pack: (\d+)/.exec(await git('count-objects', '-v')) ?? [];
  const { url, apiUrl, token } = forge;
  port.postMessage({ url, apiUrl, token, directory, packBytes: Number(kilobytes) * 1024 });
  await once(port, 'message');
};

if (parentPort !== null) {
  await serve(parentPort);
  parentPort.close();
}
