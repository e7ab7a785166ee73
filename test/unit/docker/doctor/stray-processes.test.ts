import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { findStrayProcesses } from '../../../../server/docker/doctor/stray-processes.ts';
import { connectEngine } from '../../../../server/docker/engine.ts';

const idOf = (name: string): string => Buffer.from(name).toString('hex').padEnd(64, '0');

const runRoot = '/var/run/docker/runtime-runc/moby';
const bundle = (id: string) => `/var/run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/${id}`;

/** As gVisor's processes name themselves, taken from a host and made shorter. */
const sandbox = (id: string, root = runRoot) => [
  ...[
    'runsc-sandbox',
    `--root=${root}`,
    `--log=${bundle(id)}/log.json`,
    '--network=none',
    '--log-fd=3',
    'boot',
  ],
  ...[`--bundle=${bundle(id)}`, '--cpu-num=2', '--spec-fd=12', '--total-memory=1073741824', id],
];
const gofer = (id: string) => [
  ...['runsc-gofer', `--root=${runRoot}`, `--log=${bundle(id)}/log.json`, '--log-fd=3', 'gofer'],
  ...[`--bundle=${bundle(id)}`, '--io-fds=6,7,8', '--setup-root=false'],
];
const exec = (id: string) => [
  ...['runsc-exec', '--network=none', '--root', runRoot, '--log', `${bundle(id)}/log.json`, 'exec'],
  ...['--process', '/tmp/runc-process1357049017', '--pid-file', `${bundle(id)}/${idOf('exec')}.pid`, id],
];

type Look = { processes: Record<number, string[]>; listed: string[] };

/** A host whose processes and containers are these at the first look, and perhaps others at the second. */
const startHost = async (first: Look, second = first) => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'host-'));
  const [proc, socket] = [path.join(directory, 'proc'), path.join(directory, 'docker.sock')];
  const run = async ({ processes }: Look) => {
    await rm(proc, { recursive: true, force: true });
    for (const [pid, words] of Object.entries(processes)) {
      await mkdir(path.join(proc, pid), { recursive: true });
      await writeFile(path.join(proc, pid, 'cmdline'), words.map((word) => `${word}\0`).join(''));
    }
    // What stands beside the processes in /proc, and one that ends between two looks at it.
    await mkdir(path.join(proc, '999999'), { recursive: true });
    await writeFile(path.join(proc, 'cmdline'), sandbox(idOf('kernel')).join('\0'));
  };
  await run(first);
  let looks = 0;
  const engine = http.createServer(async (request, response) => {
    looks += 1;
    const { listed } = looks === 1 ? first : second;
    assert.match(request.url ?? '', /^\/containers\/json\?all=true/);
    if (looks === 1) await run(second);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(listed.map((Id) => ({ Id }))));
  });
  await once(engine.listen(socket), 'listening');
  return {
    looks: () => looks,
    strays: async (dockerHost = `unix://${socket}`) => {
      const found = await findStrayProcesses(connectEngine(dockerHost), proc);
      return found?.toSorted((a, b) => a.pid - b.pid);
    },
    async [Symbol.asyncDispose]() {
      engine.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
};

test('gVisor’s processes of a container that is not listed are found, whatever they do for it', async () => {
  const [lost, live] = [idOf('lost'), idOf('live')];
  const processes = {
    11: sandbox(live),
    12: gofer(live),
    13: exec(live),
    21: sandbox(lost),
    22: gofer(lost),
    23: exec(lost),
    24: ['/usr/local/bin/runsc', `--root=${runRoot}`, 'delete', '--force', lost],
  };
  await using host = await startHost({ processes, listed: [live] });
  assert.deepEqual(
    await host.strays(),
    [21, 22, 23, 24].map((pid) => ({ pid, containerId: lost })),
  );
});

test('other programs are left alone, also such as speak of runsc, and so are processes that have ended', async () => {
  const lost = idOf('lost');
  const processes = {
    1: ['/usr/bin/containerd-shim-runc-v2', '-namespace', 'moby', '-id', lost],
    2: ['pgrep', '-f', `runsc-sandbox.*${lost}`],
    3: [],
    4: ['runsc', 'list'],
    5: ['runsc-sandbox-viewer', lost],
  };
  await using host = await startHost({ processes, listed: [] });
  assert.deepEqual(await host.strays(), []);
  assert.equal(host.looks(), 1);
});

test('a container that is just made or removed is looked at again, and then is none', async () => {
  const [made, removed] = [idOf('made'), idOf('removed')];
  const first = { processes: { 1: sandbox(made), 2: sandbox(removed) }, listed: [] };
  const second = { processes: { 1: sandbox(made), 3: sandbox(idOf('later')) }, listed: [made] };
  await using host = await startHost(first, second);
  assert.deepEqual(await host.strays(), []);
  assert.equal(host.looks(), 2);
});

test('the sandboxes of another engine on this host are not ours to judge', async () => {
  const [live, other, lost] = [idOf('live'), idOf('other'), idOf('lost')];
  const rootless = '/run/user/1000/docker/runtime-runc/moby';
  const processes = { 1: sandbox(live), 2: sandbox(other, rootless), 3: sandbox(lost) };
  await using host = await startHost({ processes, listed: [live] });
  assert.deepEqual(await host.strays(), [{ pid: 3, containerId: lost }]);
});

test('where the engine is on another host nobody looks', async () => {
  await using host = await startHost({ processes: { 1: sandbox(idOf('lost')) }, listed: [] });
  assert.equal(await host.strays('tcp://127.0.0.1:1'), undefined);
  assert.equal(host.looks(), 0);
});
