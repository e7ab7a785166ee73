import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { engineWith } from '../../support/engine.ts';
import { openSandboxes, shell, soon } from '../../support/sandboxes.ts';

/** An engine where the first so many containers die so long after they were started. */
const dyingEngine = async (count: number, afterMs: number) => {
  const started: string[] = [];
  const start = async (container: Docker.Container) => {
    await container.start();
    started.push(container.id);
    if (started.length > count) return;
    // In the middle of what comes next.
    void sleep(afterMs).then(() => container.kill().catch(() => {}));
  };
  return { started, docker: await engineWith((container) => ({ start: () => start(container) })) };
};

for (const afterMs of [0, 100]) {
  test(`a sandbox that dies ${afterMs} ms after its start is replaced, and nobody notices`, async () => {
    const { docker, started } = await dyingEngine(1, afterMs);
    await using sandboxes = await openSandboxes({}, docker);
    const sandbox = await sandboxes.acquire('job', soon());
    assert.equal(await shell(sandbox, 'echo alive'), 'alive');
    assert.deepEqual(await sandboxes.containers(), [started.at(-1)]);
    assert.equal(started.length, 2);
  });
}

test('sandboxes that die at every start are unavailable, and none is left', async () => {
  const { docker, started } = await dyingEngine(Number.POSITIVE_INFINITY, 100);
  await using sandboxes = await openSandboxes({}, docker);
  await assert.rejects(sandboxes.acquire('job', soon()), { code: 'sandbox_unavailable' });
  assert.equal(started.length, 2);
  assert.deepEqual(await sandboxes.containers(), []);
});
