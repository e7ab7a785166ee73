import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { labels } from '../../../server/docker/container-spec.ts';
import { type ReaperOptions, startReaper } from '../../../server/docker/reaper.ts';
import { requireDocker } from '../../support/docker.ts';
import { startFarEnds } from '../../support/far-ends.ts';
import { recordingLog } from '../../support/jobs.ts';
import { containersOf, openSandboxes, shell, soon } from '../../support/sandboxes.ts';
import { startServerProcess } from '../../support/server-process.ts';

/** The real engine, of which the reaper sees this server's containers alone: other tests have theirs there, too. */
const engineOf = async (serverId: string): Promise<Docker> => {
  const docker = await requireDocker();
  return Object.assign(Object.create(docker) as Docker, {
    listContainers: async () => {
      const found = await docker.listContainers({ all: true, filters: { label: [labels.server] } });
      return found.filter(({ Labels }) => Labels[labels.server] === serverId);
    },
  });
};

const nobodyKnows = async () => 'unknown' as const;

const openReaper = async (ofServer: string, options: Partial<ReaperOptions>) => {
  const log = recordingLog();
  const reaper = startReaper(await engineOf(ofServer), {
    ...{
      serverId: 'test-reaper',
      processId: 'test',
      holds: () => false,
      use: nobodyKnows,
      everyMs: 3_600_000,
      graceMs: 0,
      log,
    },
    ...options,
  });
  const why = () => log.lines.map(({ fields }) => (fields as { why?: string }).why);
  return Object.assign(reaper, { why });
};

/** A server that took a sandbox and was killed before it could give it back. */
const abandoned = async (serverId: string, beforeTheEnd: (id: string) => Promise<void> = async () => {}) => {
  const program = path.resolve(import.meta.dirname, '../../support/abandoned-sandbox.ts');
  const server = spawn(process.execPath, [program, serverId], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [id] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
  await beforeTheEnd(id);
  server.kill('SIGKILL');
  await once(server, 'exit');
  return id;
};

test('what a former process of the same server has left is removed at the first look', async () => {
  const docker = await requireDocker();
  const serverId = `test-former-${process.pid}`;
  await abandoned(serverId);
  await using reaper = await openReaper(serverId, { serverId, processId: 'new', graceMs: 3_600_000 });
  await reaper.look();
  assert.deepEqual(await containersOf(docker, serverId), []);
  assert.deepEqual(reaper.why(), ['a former process of this server has left it']);
});

test('a sandbox whose owner lives is left alone, by its own server and by every other one', async () => {
  await using sandboxes = await openSandboxes();
  await using sandbox = await sandboxes.acquire('job', soon());
  await using own = await openReaper(sandboxes.serverId, {
    serverId: sandboxes.serverId,
    holds: sandboxes.holds,
  });
  await using other = await openReaper(sandboxes.serverId, {});
  for (const reaper of [own, other, own, other]) await reaper.look();
  assert.deepEqual(await sandboxes.containers(), [sandbox.id]);
  assert.equal(await shell(sandbox, 'echo alive'), 'alive');
});

test('what another server has left is removed once it was alone for so long', async () => {
  const docker = await requireDocker();
  const serverId = `test-other-${process.pid}`;
  await abandoned(serverId);
  await using reaper = await openReaper(serverId, { graceMs: 1500 });
  // The toolbox ends when it sees that its server is gone.
  await sleep(500);
  await reaper.look();
  assert.equal((await containersOf(docker, serverId)).length, 1, 'a server may be about to come back');
  await sleep(1600);
  await reaper.look();
  assert.deepEqual(await containersOf(docker, serverId), []);
});

test('an agent that stops the toolbox and the first process does not outlive its time, nor a restart', async () => {
  const docker = await requireDocker();
  for (const [name, options, why] of [
    ['restart', { processId: 'new' }, 'a former process of this server has left it'],
    ['expiry', { serverId: 'test-reaper' }, 'it is older than any job'],
  ] as const) {
    const serverId = `test-stopped-${name}-${process.pid}`;
    const id = await abandoned(serverId, async (container) => {
      const exec = await docker.getContainer(container).exec({ Cmd: ['pkill', '-STOP', '-f', 'toolbox/'] });
      const stream = await exec.start({ Detach: true });
      // Docker keeps the connection open, and that would keep the test.
      stream.destroy();
      await sleep(500);
    });
    await sleep(1000);
    await using reaper = await openReaper(serverId, { serverId, ...options });
    if (name === 'expiry') {
      const { Config } = await docker.getContainer(id).inspect();
      assert.ok(Number(Config.Labels[labels.expires]) > Date.now() / 1000);
      test.mock.timers.enable({ apis: ['Date'], now: Date.now() + 700_000 });
    }
    await reaper.look();
    test.mock.timers.reset();
    assert.deepEqual(await containersOf(docker, serverId), []);
    assert.ok(reaper.why().includes(why), String(reaper.why()));
  }
});

test('what the store says of a container goes before what the engine shows of it', async () => {
  const serverId = `test-use-${process.pid}`;
  await abandoned(serverId);
  const docker = await requireDocker();
  await using reaper = await openReaper(serverId, { serverId, processId: 'new', use: async () => 'wanted' });
  await reaper.look();
  assert.equal((await containersOf(docker, serverId)).length, 1);
  const another = { serverId: 'test-another', graceMs: 3_600_000, use: async () => 'over' as const };
  await using overs = await openReaper(serverId, another);
  await overs.look();
  assert.deepEqual(await containersOf(docker, serverId), []);
});

test('an engine that does not answer ends no reaper', async () => {
  const log = recordingLog();
  const docker = await requireDocker();
  const broken = Object.assign(Object.create(docker), {
    listContainers: async () => {
      throw new Error('no engine');
    },
  });
  await using reaper = startReaper(broken, {
    ...{ serverId: 's', processId: 'p', holds: () => false, use: nobodyKnows },
    ...{ everyMs: 3_600_000, graceMs: 0, log },
  });
  await reaper.look();
  await reaper.look();
  assert.equal(log.lines.length, 2);
});

test('a container on which the engine hangs holds up neither the others nor the end of the reaper', async () => {
  const docker = await requireDocker();
  const serverId = `test-hanging-${process.pid}`;
  await abandoned(serverId);
  const hanging = { Id: 'f'.repeat(64), Labels: { [labels.server]: 'test-another' } } as unknown;
  const engine = await engineOf(serverId);
  const asIf = Object.assign(Object.create(engine) as Docker, {
    listContainers: async () => [hanging, ...(await engine.listContainers())],
    getContainer: (id: string) =>
      id.startsWith('f') ? { inspect: () => new Promise(() => {}) } : docker.getContainer(id),
  });
  const log = recordingLog();
  const owner = { serverId, processId: 'new', holds: () => false, use: nobodyKnows };
  const options = { ...owner, everyMs: 3_600_000, graceMs: 0, log };
  const reaper = startReaper(asIf, options);
  await reaper.look();
  assert.deepEqual(await containersOf(docker, serverId), []);
  assert.match(log.lines[0]?.message ?? '', /could not be judged/);

  void reaper.look();
  const stopped = performance.now();
  await reaper[Symbol.asyncDispose]();
  assert.ok(performance.now() - stopped < 2000);
});

test('a server that was killed and starts again has no spare of its former self, and one of its own', async () => {
  const docker = await requireDocker();
  const serverId = `test-restart-${process.pid}`;
  await using farEnds = await startFarEnds([]);
  const settings = { ...farEnds.settings, SERVER_ID: serverId, SANDBOX_POOL_SIZE: '1' };
  const spare = async (unlike?: string): Promise<string> => {
    for (let waited = 0; waited < 200; waited++) {
      const [id, ...more] = await containersOf(docker, serverId);
      if (id !== undefined && id !== unlike && more.length === 0) return id;
      await sleep(100);
    }
    return assert.fail(`not one container, but ${await containersOf(docker, serverId)}`);
  };
  const first = await startServerProcess(settings);
  const former = await spare();
  await first.stop('SIGKILL');
  const second = await startServerProcess(settings);
  await spare(former);
  await second.stop();
  assert.deepEqual(await containersOf(docker, serverId), []);
});
