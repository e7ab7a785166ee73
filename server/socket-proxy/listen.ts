import { once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import type { Server } from 'node:net';

/**
 * Listens at `unix:///path` or `tcp://host:port`. A socket file belongs to the user and the group of this process, who
 * alone may connect; one that an earlier process left behind is replaced.
 */
export const listen = async (server: Server, address: string): Promise<void> => {
  const { protocol, pathname, hostname, port } = new URL(address);
  if (protocol === 'unix:') {
    await removeSocket(pathname);
    // Set before the file is there, so that nobody else can connect even for a moment.
    process.umask(0o117);
    server.listen(pathname);
  } else server.listen(Number(port), hostname);
  await once(server, 'listening');
};

const removeSocket = async (path: string): Promise<void> => {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket()) await unlink(path);
};
