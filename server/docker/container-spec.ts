import type { ContainerCreateOptions } from 'dockerode';

export type SandboxLimits = {
  memoryBytes: number;
  cpus: number;
  /**
   * Host threads of gVisor's kernel count, too: an idle sandbox has about 56, and below 100 none starts. At the limit
   * the whole sandbox dies. A process inside takes up to two, so this must be well above twice `processesMax`.
   */
  pidsMax: number;
  /** Processes inside; beyond it the command gets an error while the sandbox lives on. */
  processesMax: number;
  openFilesMax: number;
  workspaceBytes: number;
  homeBytes: number;
  tmpBytes: number;
  /** After so long without its server the container ends by itself. */
  orphanSeconds: number;
};

export const labels = {
  /** Which server it belongs to, the same over restarts. */
  server: 'io.tiny-backspace.server',
  /** Which process of that server has started it. */
  process: 'io.tiny-backspace.process',
  /** The job that it was started for, or `spare`: one of the pool does not know its job yet. */
  job: 'io.tiny-backspace.job',
  /** When it has outlived every job, in seconds since 1970. */
  expires: 'io.tiny-backspace.expires',
} as const;

/** uid and gid of `backspace` in the image. */
const user = '10001:10001';

/**
 * What Docker is asked for: everything off that the job does not need. There is no network at all (`none`, and the
 * runtime is registered with `--network=none`), the root is read-only, and every writable place is a sized tmpfs.
 */
export const containerSpec = (options: {
  image: string;
  runtime: string;
  serverId: string;
  processId: string;
  jobId: string;
  expires: number;
  limits: SandboxLimits;
}): ContainerCreateOptions => {
  const { image, runtime, serverId, processId, jobId, expires, limits } = options;
  const [uid, gid] = user.split(':');
  const tmpfs = (sizeBytes: number) =>
    `rw,exec,nosuid,nodev,size=${sizeBytes},uid=${uid},gid=${gid},mode=0755`;
  return {
    Image: image,
    Cmd: ['/opt/backspace/toolbox/first-process.pl'],
    User: user,
    WorkingDir: '/workspace',
    Hostname: 'sandbox',
    Env: [`BACKSPACE_ORPHAN_SECONDS=${limits.orphanSeconds}`],
    Labels: {
      [labels.server]: serverId,
      [labels.process]: processId,
      [labels.job]: jobId,
      [labels.expires]: String(expires),
    },
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    HostConfig: {
      Runtime: runtime,
      NetworkMode: 'none',
      // Else /etc/resolv.conf tells the name servers of the host; nothing answers at this address.
      Dns: ['127.0.0.1'],
      DnsSearch: ['.'],
      ReadonlyRootfs: true,
      Tmpfs: {
        '/workspace': tmpfs(limits.workspaceBytes),
        '/home/backspace': tmpfs(limits.homeBytes),
        '/tmp': tmpfs(limits.tmpBytes),
      },
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      NanoCpus: Math.round(limits.cpus * 1e9),
      PidsLimit: limits.pidsMax,
      Ulimits: [
        { Name: 'nofile', Soft: limits.openFilesMax, Hard: limits.openFilesMax },
        { Name: 'nproc', Soft: limits.processesMax, Hard: limits.processesMax },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
      Init: true,
      IpcMode: 'private',
      LogConfig: { Type: 'none', Config: {} },
      // One that lost its server and ended by itself is gone then, too.
      AutoRemove: true,
      RestartPolicy: { Name: 'no' },
    },
  };
};
