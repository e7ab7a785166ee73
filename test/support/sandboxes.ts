import { randomUUID } from 'node:crypto';
import type Docker from 'dockerode';
import { labels, type SandboxLimits } from '../../server/docker/container-spec.ts';
import { createSandboxes, type EngineSandboxes, type SandboxOptions } from '../../server/docker/sandboxes.ts';
import type { Sandbox } from '../../server/domain/sandbox.ts';
import { requireDocker, sandboxImage, sandboxRuntime } from './docker.ts';

const megabyte = 1 << 20;

export const sandboxLimits: SandboxLimits = {
  memoryBytes: 1024 * megabyte,
  cpus: 2,
  pidsMax: 2048,
  processesMax: 512,
  openFilesMax: 4096,
  workspaceBytes: 400 * megabyte,
  homeBytes: 32 * megabyte,
  tmpBytes: 64 * megabyte,
  orphanSeconds: 30,
};

/** The production code's sandboxes with a server id of their own, by which a test finds its containers. */
export type TestSandboxes = EngineSandboxes &
  AsyncDisposable & {
    docker: Docker;
    serverId: string;
    /** Ids of the containers that are there, in whichever state. */
    containers(): Promise<string[]>;
  };

export const openSandboxes = async (
  options: Partial<SandboxOptions> = {},
  engine?: Docker,
): Promise<TestSandboxes> => {
  const docker = engine ?? (await requireDocker());
  const serverId = `test-${randomUUID()}`;
  const sandboxes = createSandboxes(docker, {
    image: sandboxImage,
    runtime: sandboxRuntime,
    limits: sandboxLimits,
    startMs: 60_000,
    lifetimeMs: 600_000,
    filesMax: 10_000,
    processId: 'test',
    ...options,
    serverId,
  });
  const containers = () => containersOf(docker, serverId);
  const acquired: Sandbox[] = [];
  return {
    image: sandboxes.image,
    holds: sandboxes.holds,
    acquire: async (jobId, signal, image) => {
      const sandbox = await sandboxes.acquire(jobId, signal, image);
      acquired.push(sandbox);
      return sandbox;
    },
    reattach: async (containerId, signal) => {
      const sandbox = await sandboxes.reattach(containerId, signal);
      if (sandbox) acquired.push(sandbox);
      return sandbox;
    },
    docker,
    serverId,
    containers,
    async [Symbol.asyncDispose]() {
      // Docker does not always end an exec's connection with its container, and an open one keeps the process alive.
      for (const sandbox of acquired) await sandbox[Symbol.asyncDispose]();
      for (const id of await containers()) await docker.getContainer(id).remove({ force: true });
    },
  };
};

/** What a server of this id has left on the engine. */
export const containersOf = async (docker: Docker, serverId: string): Promise<string[]> => {
  const found = await docker.listContainers({
    all: true,
    filters: { label: [`${labels.server}=${serverId}`] },
  });
  return found.map(({ Id }) => Id);
};

/** Far beyond what any single call in a test takes, so that a hang fails instead of hanging. */
export const soon = (): AbortSignal => AbortSignal.timeout(60_000);

/** Runs a shell command in the sandbox and gives back what it printed; throws when it fails. */
export const shell = async (sandbox: Sandbox, command: string): Promise<string> => {
  const result = await sandbox.exec({ command, timeoutMs: 50_000, outputBytesMax: megabyte }, soon());
  if (result.exitCode !== 0) {
    throw new Error(`«${command}» ended with ${result.exitCode}: ${result.output}`);
  }
  return result.output.trimEnd();
};
