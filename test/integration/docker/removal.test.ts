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

/** What is disposed may be a promise of any kind: the type says only that it can be awaited. */
const dispose = async (sandbox: Sandbox): Promise<void> => {
  await sandbox[Symbol.asyncDispose]();
};

describe('the removal of a sandbox', () => {
  test('that is lost waits for its own end: to kill what is just ending may take minutes', async () => {
    const wasRunning: boolean[] = [];
    const docker = await engineWith((container) => ({
      remove: async () => {
        wasRunning.push(await isRunning(container));
        await container.remove({ force: true });
      },
    }));
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
    await assert.rejects(dispose(sandbox), /driver failed/);
    assert.deepEqual([await sandboxes.containers(), sandboxes.holds(sandbox.id)], [[sandbox.id], false]);
    isBroken = false;
  });
});
