import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A socket that leads to the engine's, for as long as the test lets it. */
export type EngineProxy = AsyncDisposable & {
  /** For DOCKER_HOST. */
  host: string;
  /** Cuts what is open and takes nothing more, as an engine that is being restarted. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
};

export const startEngineProxy = async (engine = '/var/run/docker.sock'): Promise<EngineProxy> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'engine-'));
  const address = path.join(directory, 'docker.sock');
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ path: engine, allowHalfOpen: true });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  const comeBack = async () => void (await once(server.listen(address), 'listening'));
  const goAway = async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of open) socket.destroy();
    await closed;
  };
  await comeBack();
  return {
    host: `unix://${address}`,
    goAway,
    comeBack,
    async [Symbol.asyncDispose]() {
      if (server.listening) await goAway();
      await rm(directory, { recursive: true, force: true });
    },
  };
};
