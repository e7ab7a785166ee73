import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerSpec } from '../../../server/docker/container-spec.ts';
import { sandboxLimits } from '../../support/sandboxes.ts';

test('a container gets nothing that its job does not need', () => {
  const spec = containerSpec({
    image: 'some/image:1',
    runtime: 'some-runtime',
    serverId: 'server-1',
    processId: 'process-1',
    jobId: 'job-1',
    expires: 1_800_000_000,
    limits: {
      ...sandboxLimits,
      memoryBytes: 1 << 30,
      cpus: 1.5,
      workspaceBytes: 300,
      homeBytes: 200,
      tmpBytes: 100,
    },
  });
  const tmpfs = 'rw,exec,nosuid,nodev,uid=10001,gid=10001,mode=0755';
  assert.deepEqual(spec, {
    Image: 'some/image:1',
    Cmd: ['/opt/backspace/toolbox/first-process.pl'],
    User: '10001:10001',
    WorkingDir: '/workspace',
    Hostname: 'sandbox',
    Env: ['BACKSPACE_ORPHAN_SECONDS=30'],
    Labels: {
      'io.tiny-backspace.server': 'server-1',
      'io.tiny-backspace.process': 'process-1',
      'io.tiny-backspace.job': 'job-1',
      'io.tiny-backspace.expires': '1800000000',
    },
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    HostConfig: {
      Runtime: 'some-runtime',
      NetworkMode: 'none',
      Dns: ['127.0.0.1'],
      DnsSearch: ['.'],
      ReadonlyRootfs: true,
      Tmpfs: {
        '/workspace': tmpfs.replace('nodev', 'nodev,size=300'),
        '/home/backspace': tmpfs.replace('nodev', 'nodev,size=200'),
        '/tmp': tmpfs.replace('nodev', 'nodev,size=100'),
      },
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Memory: 1 << 30,
      MemorySwap: 1 << 30,
      NanoCpus: 1_500_000_000,
      PidsLimit: 2048,
      Ulimits: [
        { Name: 'nofile', Soft: 4096, Hard: 4096 },
        { Name: 'nproc', Soft: 512, Hard: 512 },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
      Init: true,
      IpcMode: 'private',
      LogConfig: { Type: 'none', Config: {} },
      AutoRemove: true,
      RestartPolicy: { Name: 'no' },
    },
  });
});
