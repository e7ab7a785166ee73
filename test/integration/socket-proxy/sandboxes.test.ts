import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import Docker from 'dockerode';
import tar from 'tar-stream';
import { createSandboxes } from '../../../server/docker/sandboxes.ts';
import { requireDocker, sandboxImage, sandboxRuntime } from '../../support/docker.ts';
import { containersOf, sandboxLimits, shell, soon } from '../../support/sandboxes.ts';
import { sandboxBody } from '../../support/socket-proxy/bounds.ts';
import { startProxy } from '../../support/socket-proxy/program.ts';

const engine = await requireDocker();

/** The program with its default settings, in front of the real engine. */
const openGuardedDocker = async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'socket-proxy-'));
  const socketPath = path.join(directory, 'docker.sock');
  const proxy = await startProxy({ SOCKET_PROXY_LISTEN: `unix://${socketPath}` });
  return {
    docker: new Docker({ socketPath }),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
};

const sandboxesOn = (docker: Docker, serverId: string) =>
  createSandboxes(docker, {
    image: sandboxImage,
    runtime: sandboxRuntime,
    serverId,
    processId: 'test',
    lifetimeMs: 600_000,
    limits: sandboxLimits,
    startMs: 60_000,
    filesMax: 1000,
  });

test('a sandbox is started, used and removed through the proxy, 20 MB in and out', async () => {
  await using guarded = await openGuardedDocker();
  const serverId = `test-${randomUUID()}`;
  const content = randomBytes(20 << 20);
  {
    await using sandbox = await sandboxesOn(guarded.docker, serverId).acquire('job', soon());
    assert.equal(await shell(sandbox, 'uname -r'), '4.4.0');

    const archive = tar.pack();
    archive.entry({ name: 'big.bin' }, content);
    archive.finalize();
    await sandbox.unpack(archive as AsyncIterable<Uint8Array>, soon());
    const sum = createHash('sha256').update(content).digest('hex');
    assert.equal(await shell(sandbox, 'sha256sum big.bin'), `${sum}  big.bin`);

    const files = await sandbox.files([], soon());
    assert.deepEqual(
      files.map(({ path, size }) => ({ path, size })),
      [{ path: 'big.bin', size: content.length }],
    );
    const [received] = await sandbox.contents(files, soon());
    assert.ok(received && content.equals(received));
    assert.deepEqual(await containersOf(guarded.docker, serverId), [sandbox.id]);
  }
  assert.deepEqual(await containersOf(engine, serverId), []);
});

test('a server that was taken over gets no other container, and the engine’s list stays as it was', async () => {
  await using guarded = await openGuardedDocker();
  const serverId = `test-${randomUUID()}`;
  const body = sandboxBody();
  const Labels = { ...body.Labels, 'io.tiny-backspace.server': serverId };
  const attempts = [
    { Privileged: true },
    { Binds: ['/:/host'] },
    { Runtime: 'runc' },
    { NetworkMode: 'host' },
    { PidMode: 'host' },
  ].map((change) => ({ ...body, Labels, HostConfig: { ...body.HostConfig, ...change } }));
  for (const attempt of attempts) {
    await assert.rejects(guarded.docker.createContainer(attempt), { statusCode: 403 });
  }
  assert.deepEqual(await containersOf(engine, serverId), []);
});

test('a container that is not the server’s can be neither seen, entered nor removed', async () => {
  await using guarded = await openGuardedDocker();
  const other = await engine.createContainer({
    Image: sandboxImage,
    Cmd: ['sleep', '60'],
    Labels: { 'test-socket-proxy': 'other' },
    HostConfig: { NetworkMode: 'none' },
  });
  try {
    await other.start();
    const seen = guarded.docker.getContainer(other.id);
    const Cmd = ['node', '--disable-sigusr1', '/opt/backspace/toolbox/calls.js'];
    const stdio = { AttachStdin: true, AttachStdout: true, AttachStderr: false, Tty: false };
    await assert.rejects(seen.inspect(), { statusCode: 403 });
    await assert.rejects(seen.exec({ Cmd, ...stdio }), { statusCode: 403 });
    await assert.rejects(seen.remove({ force: true }), { statusCode: 403 });
    const listed = await guarded.docker.listContainers({ all: true });
    assert.ok(listed.every(({ Id }) => Id !== other.id));
    assert.equal((await other.inspect()).State.Running, true);
  } finally {
    await other.remove({ force: true });
  }
});
