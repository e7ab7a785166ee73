import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { containerSpec } from '../../../server/docker/container-spec.ts';
import type { SandboxOptions } from '../../../server/docker/sandboxes.ts';

type Spec = ReturnType<typeof containerSpec>;

/** The spec of a sandbox that belongs to this server id, so that whoever clears up after the bench finds it. */
export const specOf = (options: SandboxOptions, serverId: string): Spec =>
  containerSpec({ ...options, serverId, jobId: 'bench', expires: Math.ceil(Date.now() / 1000) + 600 });

/** Milliseconds from the start of the program. */
export type DockerRun = { answeredMs: number; endedMs: number };

/**
 * What a person would type instead: `docker run --rm … echo up` with all the flags of a sandbox. It has answered with
 * its first byte, and ended when its container is removed.
 */
export const dockerRun = async (spec: Spec, signal: AbortSignal): Promise<DockerRun> => {
  const started = performance.now();
  const child = spawn('docker', ['run', '--rm', ...flagsOf(spec), `${spec.Image}`, 'echo', 'up'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  const ended = once(child, 'close') as Promise<[number]>;
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const answered = once(child.stdout, 'data').then(() => performance.now() - started);
  const [exitCode] = await ended;
  if (exitCode !== 0) throw new Error(`docker run ended with ${exitCode}: ${errors}`);
  return { answeredMs: await answered, endedMs: performance.now() - started };
};

/** Throws when the flags would make another container than a sandbox’s, so that the comparison stays one. */
export const assertSameContainer = async (docker: Docker, spec: Spec): Promise<void> => {
  const command = ['create', ...flagsOf(spec), `${spec.Image}`, ...(spec.Cmd ?? [])];
  const { stdout } = await promisify(execFile)('docker', command);
  const byFlags = docker.getContainer(stdout.trim());
  const bySpec = await docker.createContainer(spec);
  try {
    assert.deepEqual(await described(byFlags), await described(bySpec));
  } finally {
    await Promise.all([byFlags, bySpec].map((container) => container.remove({ force: true })));
  }
};

const described = async (container: Docker.Container) => {
  const { HostConfig, Config } = await container.inspect();
  const { Cmd, Env, Image, Labels, User, WorkingDir, Hostname } = Config;
  return comparable({
    ...HostConfig,
    AutoRemove: true,
    Cmd,
    Env,
    Image,
    Labels,
    User,
    WorkingDir,
    Hostname,
  });
};

/** The engine keeps «nothing» as it was told (null, an empty list, zero), and the program sorts limits by name. */
const comparable = ({
  Ulimits = [],
  ...fields
}: Record<string, unknown> & { Ulimits?: Docker.Ulimit[] | undefined }) => ({
  Ulimits: Ulimits.toSorted((one, other) => `${one.Name}`.localeCompare(`${other.Name}`)),
  ...Object.fromEntries(
    Object.entries(fields).filter(
      ([name, value]) => name !== 'ConsoleSize' && value && JSON.stringify(value).length > '[]'.length,
    ),
  ),
});

const flagsOf = ({ HostConfig = {}, User, WorkingDir, Hostname, Env = [], Labels = {} }: Spec): string[] => [
  ...[`--user=${User}`, `--workdir=${WorkingDir}`, `--hostname=${Hostname}`],
  ...Env.map((variable) => `--env=${variable}`),
  ...Object.entries(Labels).map(([name, value]) => `--label=${name}=${value}`),
  ...[
    `--runtime=${HostConfig.Runtime}`,
    `--network=${HostConfig.NetworkMode}`,
    `--ipc=${HostConfig.IpcMode}`,
  ],
  ...(HostConfig.Dns ?? []).map((address) => `--dns=${address}`),
  ...(HostConfig.DnsSearch ?? []).map((domain) => `--dns-search=${domain}`),
  ...Object.entries(HostConfig.Tmpfs ?? {}).map(([path, options]) => `--tmpfs=${path}:${options}`),
  ...(HostConfig.CapDrop ?? []).map((capability: string) => `--cap-drop=${capability}`),
  ...(HostConfig.SecurityOpt ?? []).map((option: string) => `--security-opt=${option}`),
  ...[`--memory=${HostConfig.Memory}`, `--memory-swap=${HostConfig.MemorySwap}`],
  ...[`--cpus=${(HostConfig.NanoCpus ?? 0) / 1e9}`, `--pids-limit=${HostConfig.PidsLimit}`],
  ...(HostConfig.Ulimits ?? []).map(({ Name, Soft, Hard }) => `--ulimit=${Name}=${Soft}:${Hard}`),
  ...['--read-only', '--init', `--log-driver=${HostConfig.LogConfig?.Type}`, '--restart=no'],
];
