import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { containerSpec, labels } from '../../../server/docker/container-spec.ts';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { sandboxImage, sandboxRuntime } from '../../support/docker.ts';
import { openSandboxes, sandboxLimits, shell, soon, type TestSandboxes } from '../../support/sandboxes.ts';

const megabyte = 1 << 20;
const limits = { ...sandboxLimits, workspaceBytes: 24 * megabyte, tmpBytes: 16 * megabyte };
let sandboxes: TestSandboxes;
let sandbox: Sandbox;
before(async () => {
  sandboxes = await openSandboxes({ limits });
  sandbox = await sandboxes.acquire('job-of-isolation', soon());
});
after(() => sandboxes?.[Symbol.asyncDispose]());

const lines = async (command: string) => (await shell(sandbox, command)).split('\n');

test('Docker runs exactly what the specification says', async () => {
  const { Config, HostConfig, NetworkSettings, Mounts } = await sandboxes.docker
    .getContainer(sandbox.id)
    .inspect();
  const expires = Number(Config.Labels[labels.expires]);
  // Ten minutes from its start, in whole seconds.
  assert.ok(expires > Date.now() / 1000 && expires <= Date.now() / 1000 + 601);
  const { HostConfig: wanted = {}, ...config } = containerSpec({
    image: sandboxImage,
    runtime: sandboxRuntime,
    serverId: sandboxes.serverId,
    processId: 'test',
    jobId: 'job-of-isolation',
    expires,
    limits,
  });
  const pick = (from: object, keys: string[]) =>
    Object.fromEntries(keys.map((key) => [key, (from as Record<string, unknown>)[key]]));
  const restart = { Name: 'no', MaximumRetryCount: 0 };
  assert.deepEqual(pick(HostConfig, Object.keys(wanted)), { ...wanted, RestartPolicy: restart });
  // The image adds its own variables and labels.
  const { Env, Labels, ...given } = pick(Config, Object.keys(config));
  const { Env: wantedEnv, Labels: wantedLabels, ...rest } = config;
  assert.deepEqual(given, rest);
  assert.deepEqual(pick(Labels as object, Object.keys(wantedLabels ?? {})), wantedLabels);
  assert.ok((Env as string[]).includes(wantedEnv?.[0] ?? ''));
  // What the specification leaves to Docker.
  assert.deepEqual(
    {
      ...pick(HostConfig, ['Privileged', 'CapAdd', 'PidMode', 'Binds', 'Devices', 'PublishAllPorts']),
      networks: Object.keys(NetworkSettings.Networks),
      mounts: Mounts,
    },
    {
      Privileged: false,
      CapAdd: null,
      PidMode: '',
      Binds: null,
      Devices: null,
      PublishAllPorts: false,
      networks: ['none'],
      mounts: [],
    },
  );
});

describe('from inside, a sandbox', () => {
  test('has gVisor for a kernel, and not the host’s', async () => {
    assert.equal(await shell(sandbox, 'uname -r'), '4.4.0');
    assert.equal(sandbox.kernel, '4.4.0');
    assert.match(
      await shell(sandbox, 'dmesg 2>/dev/null || cat /proc/version'),
      /gVisor|Linux version 4\.4\.0/,
    );
  });

  test('has no network but loopback', async () => {
    assert.deepEqual(await lines("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '"), ['lo']);
    // Not the host's name servers: nobody answers at this address.
    assert.equal(await shell(sandbox, "grep -v '^#' /etc/resolv.conf"), 'nameserver 127.0.0.1');
    assert.match(await shell(sandbox, 'getent hosts example.com || echo unresolved'), /^unresolved$/);
    for (const address of ['1.1.1.1', '169.254.169.254', '172.17.0.1', '[2606:4700::1111]']) {
      const reached = await shell(
        sandbox,
        `curl --noproxy '*' --silent --max-time 3 http://${address}/ || echo "failed $?"`,
      );
      assert.match(reached, /^failed (7|28)$/, address);
    }
  });

  test('is user 10001 without any capability', async () => {
    assert.equal(
      await shell(sandbox, 'id'),
      'uid=10001(backspace) gid=10001(backspace) groups=10001(backspace)',
    );
    const status = await lines("grep -E '^(Cap|NoNewPrivs|Uid)' /proc/self/status");
    const none = '0000000000000000';
    // gVisor 2022 shows neither NoNewPrivs nor CapAmb.
    const expected = ['Uid:\t10001\t10001\t10001\t10001', `CapInh:\t${none}`, `CapPrm:\t${none}`];
    assert.deepEqual(
      status.filter((line) => !/NoNewPrivs|CapAmb/.test(line)),
      [...expected, `CapEff:\t${none}`, `CapBnd:\t${none}`],
    );
    for (const line of status.filter((text) => text.startsWith('NoNewPrivs'))) assert.match(line, /1$/);
  });

  test('gains nothing from programs that are set-user-id', async () => {
    const su = await shell(sandbox, 'echo | timeout 1 su -c id 2>&1 || true');
    assert.doesNotMatch(su, /uid=0/);
  });

  test('cannot write outside its own places', async () => {
    const places = ['/', '/usr/bin', '/opt/backspace', '/opt/backspace/toolbox', '/etc', '/var/tmp', '/root'];
    for (const place of places) {
      const result = await shell(sandbox, `touch ${place}/written 2>&1 && echo WRITTEN || true`);
      assert.match(result, /Read-only file system|Permission denied/, place);
    }
    assert.deepEqual(await lines('for d in /workspace ~ /tmp; do touch $d/x && rm $d/x && echo $d; done'), [
      '/workspace',
      '/home/backspace',
      '/tmp',
    ]);
  });

  test('sees no Docker and no host', async () => {
    const command = 'ls -d /var/run/docker.sock /run/docker.sock /host /mnt/* 2>/dev/null; echo end';
    assert.deepEqual(await lines(command), ['end']);
    // The root and Docker's own small files, all read-only; everything else is the sandbox's own memory.
    const fromHost = await lines('awk \'$3 == "9p" { print $2, substr($4, 1, 3) }\' /proc/mounts');
    assert.deepEqual(fromHost.toSorted(), [
      '/ ro,',
      '/etc/hostname ro,',
      '/etc/hosts ro,',
      '/etc/resolv.conf ro,',
      '/usr/sbin/docker-init ro,',
    ]);
    // Device nodes of disks, memory or kernel interfaces.
    assert.deepEqual(await lines('ls /dev | grep -E "^(sd|vd|nvme|mem|kmem|kvm|kmsg)"; echo end'), ['end']);
  });

  test('lives on when a file outgrows its place', async () => {
    for (const [place, size] of [
      ['/workspace', limits.workspaceBytes],
      ['/home/backspace', limits.homeBytes],
      ['/tmp', limits.tmpBytes],
    ] as const) {
      const [free = '', said = ''] = await lines(
        `cd ${place}; df --output=size -B1 . | tail -1 | tr -d ' '; head -c ${2 * size} /dev/zero 2>&1 >filler || true; rm filler`,
      );
      assert.equal(free, String(size));
      assert.match(said, /No space left on device/, place);
    }
    assert.equal(await shell(sandbox, 'echo alive'), 'alive');
  });

  test('may not open more files and processes than allowed, and lives on', async () => {
    const files = 'python3 -c "x=[open(\'/dev/null\') for _ in range(5000)]" 2>&1 | tail -1';
    assert.match(await shell(sandbox, files), /Too many open files/);
    const core = await lines('ulimit -c; ulimit -n; ulimit -u');
    assert.deepEqual(core, ['0', String(limits.openFilesMax), String(limits.processesMax)]);
  });
});
