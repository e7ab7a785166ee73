import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import type Docker from 'dockerode';
import type { SandboxOptions } from '../../../server/docker/sandboxes.ts';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { sandboxImage, sandboxRuntime } from '../docker.ts';
import { openSandboxes, sandboxLimits, soon } from '../sandboxes.ts';
import type { Facts } from './hardening.ts';

/** The production code's sandboxes, small ones, on a host that has something to be found. */
export type HardeningScene = AsyncDisposable & {
  docker: Docker;
  options: SandboxOptions;
  facts: Facts;
  acquire(jobId: string): Promise<Sandbox>;
};

const megabyte = 1 << 20;
const limits = {
  ...{ ...sandboxLimits, processesMax: 256, openFilesMax: 1024 },
  ...{ workspaceBytes: 24 * megabyte, homeBytes: 16 * megabyte, tmpBytes: 16 * megabyte },
};

export const openHardeningScene = async (): Promise<HardeningScene> => {
  const options = {
    ...{ image: sandboxImage, runtime: sandboxRuntime, processId: 'test', limits },
    ...{ startMs: 60_000, lifetimeMs: 600_000, filesMax: 10_000 },
  };
  const sandboxes = await openSandboxes(options);
  const { docker, serverId } = sandboxes;
  const mark = `mark-${randomUUID()}`;
  const abstract = `host-${mark}`;
  const onLoopback = await listen({ host: '127.0.0.1', port: 0 });
  const onAbstract = await listen({ path: `\0${abstract}` });
  const { port } = onLoopback.address() as net.AddressInfo;
  const { KernelVersion: hostKernel, Name: hostName } = await docker.info();
  return {
    docker,
    options: { ...options, serverId },
    facts: {
      ...{ hostKernel, hostName, mark, openFilesMax: limits.openFilesMax, processesMax: limits.processesMax },
      sizes: {
        '/workspace': limits.workspaceBytes,
        '/home/backspace': limits.homeBytes,
        '/tmp': limits.tmpBytes,
        // Docker's default.
        '/dev/shm': 64 * megabyte,
      },
      neighbour: { port: 4999, abstract: mark, key: randomInt(1, 2 ** 31) },
      host: { port, abstract },
    },
    acquire: (jobId) => sandboxes.acquire(jobId, soon()),
    async [Symbol.asyncDispose]() {
      onLoopback.close();
      onAbstract.close();
      await sandboxes[Symbol.asyncDispose]();
    },
  };
};

const listen = async (where: net.ListenOptions): Promise<net.Server> => {
  const server = net.createServer((socket) => socket.destroy()).listen(where);
  await once(server, 'listening');
  return server;
};
