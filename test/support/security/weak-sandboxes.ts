import { readFileSync } from 'node:fs';
import path from 'node:path';
import type Docker from 'dockerode';
import type { ContainerCreateOptions } from 'dockerode';
import { containerSpec } from '../../../server/docker/container-spec.ts';
import { createSandboxes, remove, type SandboxOptions } from '../../../server/docker/sandboxes.ts';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { shell, soon } from '../sandboxes.ts';
import type { Facts } from './hardening.ts';

/**
 * The weak designs that the hardening's probes must catch. Each is made by the production code from a specification
 * that is bent here, with the server's labels: whoever clears up after the server finds it.
 */

/** Root with every capability that gVisor gives, nothing read-only, nothing limited; still without a network. */
export const openWeakGVisor = (docker: Docker, options: SandboxOptions, facts: Facts): Promise<Sandbox> =>
  acquire(docker, options, (spec) => ({
    ...spec,
    User: '0:0',
    Hostname: facts.hostName,
    Env: [...(spec.Env ?? []), 'GITHUB_TOKEN=ghp_canary0000000000', 'SOME_VALUE=sk-ant-canary'],
    HostConfig: {
      ...spec.HostConfig,
      ...{ CapDrop: [], Ulimits: [] },
      CapAdd: ['ALL'],
      SecurityOpt: [],
      ReadonlyRootfs: false,
      Tmpfs: anyTmpfs(Object.keys(facts.sizes)),
    },
  }));

/**
 * On the host's own kernel, beside a neighbour with whom it shares its processes, its network (which is none) and its
 * IPC. Of the host it gets nothing: no network, no mount, no device but the kernel's log to read; and no right to load
 * modules, to reboot or to set a clock. What is tried there does no harm where it is allowed: see hardening/harness.py.
 */
export const openWeakRunc = async (
  docker: Docker,
  options: SandboxOptions,
  facts: Facts,
): Promise<Sandbox> => {
  const neighbour = await startNeighbour(docker, options, facts);
  const shared = `container:${neighbour.id}`;
  const weak = await acquire(docker, { ...options, runtime: 'runc', withoutGVisor: true }, (spec) => ({
    ...spec,
    User: '0:0',
    // Who shares a network has neither a name nor name servers of its own.
    Hostname: '',
    HostConfig: {
      ...spec.HostConfig,
      ...{ Dns: [], DnsSearch: [] },
      CapAdd: [
        ...['SYS_ADMIN', 'SYS_PTRACE', 'SYS_CHROOT', 'SYS_RAWIO', 'SYSLOG', 'MKNOD', 'IPC_LOCK'],
        ...['NET_ADMIN', 'NET_RAW', 'SETUID', 'SETGID', 'SETPCAP', 'SETFCAP', 'CHOWN', 'FOWNER', 'KILL'],
        ...['DAC_OVERRIDE', 'DAC_READ_SEARCH'],
      ],
      SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
      MaskedPaths: [],
      Ulimits: [{ Name: 'core', Soft: -1, Hard: -1 }],
      Tmpfs: anyTmpfs(Object.keys(spec.HostConfig?.Tmpfs ?? {})),
      Devices: [{ PathOnHost: '/dev/kmsg', PathInContainer: '/dev/kmsg', CgroupPermissions: 'r' }],
      ...{ NetworkMode: shared, PidMode: shared, IpcMode: shared },
    },
  }));
  const answers = `(: </dev/tcp/127.0.0.1/${facts.neighbour.port}) 2>/dev/null`;
  await shell(weak, `until ${answers}; do sleep 0.1; done`);
  return {
    ...weak,
    async [Symbol.asyncDispose]() {
      // With its first process ends every process that shares them, those that Docker would wait for, too.
      await remove(neighbour);
      await weak[Symbol.asyncDispose]();
    },
  };
};

/** Without a size, and without what is refused there otherwise. */
const anyTmpfs = (places: readonly string[]) =>
  Object.fromEntries(places.map((place) => [place, 'rw,exec,suid,dev']));

type Weaken = (spec: ContainerCreateOptions) => ContainerCreateOptions;

const acquire = (docker: Docker, options: SandboxOptions, weaken: Weaken): Promise<Sandbox> => {
  const engine: Docker = Object.create(docker, {
    createContainer: { value: (spec: ContainerCreateOptions) => docker.createContainer(weaken(spec)) },
  });
  return createSandboxes(engine, options).acquire('weak', soon());
};

const startNeighbour = async (docker: Docker, options: SandboxOptions, facts: Facts) => {
  const program = readFileSync(path.join(import.meta.dirname, 'hardening/play_neighbour.py'), 'utf8');
  const { mark, neighbour } = facts;
  const words = [mark, neighbour.port, neighbour.abstract, neighbour.key].map(String);
  const expires = Math.ceil((Date.now() + options.lifetimeMs) / 1000);
  const spec = containerSpec({ ...options, runtime: 'runc', jobId: 'weak-neighbour', expires });
  const container = await docker.createContainer({
    ...spec,
    Cmd: ['python3', '-c', program, ...words],
    HostConfig: { ...spec.HostConfig, IpcMode: 'shareable' },
  });
  await container.start();
  return container;
};
