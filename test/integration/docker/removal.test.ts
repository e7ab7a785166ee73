import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { engineWith } from '../../support/engine.ts';
import { openSandboxes, soon } from '../../support/sandboxes.ts';

const isRunning = (container: Docker.Container): Promise<boolean> =>
  container.inspect().then(
    ({ State }) => State.Running,
    () => false,
  );

const loseToolbox = async (sandbox: Sandbox): Promise<void> => {
  const request = { command: 'pkill -9 -f toolbox/calls.js', timeoutMs: 5000, outputBytesMax: 100 };
  await sandbox.exec(request, soon()).catch(() => {});
  assert.equal(sandbox.lost.aborted, true);
};

/** It neither answers any more nor ends. */
const stopToolbox = async (sandbox: Sandbox): Promise<void> => {
  const request = { command: 'pkill -STOP -f toolbox/calls.js', timeoutMs: 5000, outputBytesMax: 100 };
  await assert.rejects(async () => sandbox.exec(request, AbortSignal.timeout(1000)));
};

/** What is disposed may be a promise of any kind: the type says only that it can be awaited. */
const dispose = async (sandbox: Sandbox): Promise<void> => {
  await sandbox[Symbol.asyncDispose]();
};

/** Tells of each removal whether it found the container running, which would kill it. */
const watchedEngine = async () => {
  const wasRunning: boolean[] = [];
  const docker = await engineWith((container) => ({
    remove: async () => {
      wasRunning.push(await isRunning(container));
      await container.remove({ force: true });
    },
  }));
  return { docker, wasRunning };
};

describe('the removal of a sandbox', () => {
  test('that lives asks it to end, since to kill one may take minutes, also while its commands run', async () => {
    const { docker, wasRunning } = await watchedEngine();
    await using sandboxes = await openSandboxes({}, docker);
    const sandbox = await sandboxes.acquire('job', soon());
    const command = 'for i in $(seq 100); do (trap "" TERM HUP; sleep 300) & done; wait';
    const running = sandbox.exec({ command, timeoutMs: 50_000, outputBytesMax: 100 }, soon());
    await sleep(2000);
    await Promise.all([dispose(sandbox), assert.rejects(running, { code: 'sandbox_lost' })]);
    assert.deepEqual(await sandboxes.containers(), []);
    assert.ok(wasRunning.length > 0 && !wasRunning.includes(true), String(wasRunning));
  });

  test('whose toolbox is stopped kills it', async () => {
    await using sandboxes = await openSandboxes();
    const sandbox = await sandboxes.acquire('job', soon());
    await stopToolbox(sandbox);
    await dispose(sandbox);
    assert.deepEqual([await sandboxes.containers(), sandboxes.holds(sandbox.id)], [[], false]);
  });

  test('that is lost waits for its own end', async () => {
    const { docker, wasRunning } = await watchedEngine();
    await using sandboxes = await openSandboxes({}, docker);
    const sandbox = await sandboxes.acquire('job', soon());
    await loseToolbox(sandbox);
    const disposed = dispose(sandbox);
    await sleep(300);
    await docker.getContainer(sandbox.id).kill();
    await disposed;
    assert.deepEqual(await sandboxes.containers(), []);
    assert.ok(wasRunning.length > 0 && !wasRunning.includes(true), String(wasRunning));
  });

  test('that is lost and does not end is not waited for for ever', async () => {
    await using sandboxes = await openSandboxes();
    const sandbox = await sandboxes.acquire('job', soon());
    await loseToolbox(sandbox);
    await dispose(sandbox);
    assert.deepEqual([await sandboxes.containers(), sandboxes.holds(sandbox.id)], [[], false]);
  });

  test('that fails leaves the container to the reaper', async () => {
    let isBroken = true;
    const docker = await engineWith((container) => ({
      remove: async () => {
        if (isBroken) throw new Error('driver failed to remove root filesystem');
        await container.remove({ force: true });
      },
    }));
    await using sandboxes = await openSandboxes({}, docker);
    const sandbox = await sandboxes.acquire('job', soon());
    assert.equal(sandboxes.holds(sandbox.id), true);
    await stopToolbox(sandbox);
    await assert.rejects(dispose(sandbox), /driver failed/);
    assert.deepEqual([await sandboxes.containers(), sandboxes.holds(sandbox.id)], [[sandbox.id], false]);
    isBroken = false;
  });
});
