import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool, type Pool, type PoolOptions } from '../../../server/docker/pool.ts';
import { imageId } from '../../../server/docker/readiness.ts';
import { sandboxImage } from '../../support/docker.ts';
import { recordingLog } from '../../support/jobs.ts';
import { openSandboxes, shell, soon, type TestSandboxes } from '../../support/sandboxes.ts';

const openPool = (sandboxes: TestSandboxes, options: Partial<PoolOptions> = {}) => {
  const log = recordingLog();
  const pool = createPool(sandboxes, {
    size: 1,
    imageId: () => imageId(sandboxes.docker, sandboxImage),
    ...{ refillAfterMs: 0, spareMsMax: 600_000, retryAfterMs: 20, log },
    ...options,
  });
  return Object.assign(pool, { log });
};

const until = async (isSo: () => boolean | Promise<boolean>, what: string): Promise<void> => {
  for (let waited = 0; waited < 30_000; waited += 50) {
    if (await isSo()) return;
    await sleep(50);
  }
  assert.fail(`${what} did not come about`);
};
const filled = (pool: Pool, spares = 1) => until(() => pool.waiting() === spares, `${spares} spares`);

test('a job gets a sandbox that waits, each is handed out once, and another takes its place', async () => {
  await using sandboxes = await openSandboxes();
  await using pool = openPool(sandboxes);
  await filled(pool);
  const [spare] = await sandboxes.containers();
  await using first = await pool.acquire('job-1', soon());
  assert.deepEqual([first.id, first.warm, pool.waiting()], [spare, true, 0]);
  assert.equal(await shell(first, 'ls -A; echo mine >file; uname -r'), '4.4.0');
  await filled(pool);
  await using second = await pool.acquire('job-2', soon());
  assert.notEqual(second.id, first.id);
  assert.equal(second.warm, true);
  assert.equal(await shell(second, 'ls -A'), '');
});

test('who comes while none waits starts one; nobody waits for the pool', async () => {
  await using sandboxes = await openSandboxes();
  await using pool = openPool(sandboxes, { refillAfterMs: 60_000 });
  await filled(pool);
  await using warm = await pool.acquire('job-1', soon());
  await using cold = await pool.acquire('job-2', soon());
  assert.deepEqual([warm.warm, cold.warm], [true, false]);
});

test('a spare that dies is replaced before anybody gets it', async () => {
  await using sandboxes = await openSandboxes();
  await using pool = openPool(sandboxes);
  await filled(pool);
  const [spare = ''] = await sandboxes.containers();
  await sandboxes.docker.getContainer(spare).kill();
  await until(
    async () => pool.waiting() === 1 && !(await sandboxes.containers()).includes(spare),
    'another spare',
  );
  await using sandbox = await pool.acquire('job', soon());
  assert.deepEqual([sandbox.warm, sandbox.id === spare], [true, false]);
});

test('spares of another image, or of yesterday, are not handed out, and go', async () => {
  for (const outdated of ['image', 'age'] as const) {
    await using sandboxes = await openSandboxes();
    let id = 'sha256:before';
    await using pool = openPool(sandboxes, {
      imageId: async () => id,
      refillAfterMs: 60_000,
      ...(outdated === 'age' ? { spareMsMax: 0 } : {}),
    });
    await filled(pool);
    const [spare] = await sandboxes.containers();
    if (outdated === 'image') id = 'sha256:after';
    await using sandbox = await pool.acquire('job', soon());
    assert.equal(sandbox.warm, false);
    await until(async () => !(await sandboxes.containers()).includes(spare ?? ''), 'the removal');
  }
});

test('a sandbox that is not sealed is not let in, and the next attempt waits longer each time', async () => {
  await using sandboxes = await openSandboxes();
  const acquired: string[] = [];
  const open: TestSandboxes = {
    ...sandboxes,
    acquire: async (jobId, signal) => {
      const sandbox = await sandboxes.acquire(jobId, signal);
      acquired.push(sandbox.id);
      if (acquired.length <= 2) await shell(sandbox, 'echo left >/workspace/by-another');
      return sandbox;
    },
  };
  await using pool = openPool(open);
  await filled(pool);
  assert.equal(acquired.length, 3);
  assert.deepEqual(await sandboxes.containers(), acquired.slice(2));
  assert.deepEqual(
    pool.log.lines.map(({ message }) => message),
    ['a spare sandbox could not be started', 'a spare sandbox could not be started'],
  );
});

test('where none can be started the pool stays empty, says so, and ends when it is told', async () => {
  await using sandboxes = await openSandboxes({ runtime: 'no-such-runtime' });
  const pool = openPool(sandboxes);
  await until(() => pool.log.lines.length >= 3, 'three attempts');
  await pool[Symbol.asyncDispose]();
  const attempts = pool.log.lines.length;
  await sleep(500);
  assert.deepEqual([pool.log.lines.length, pool.waiting()], [attempts, 0]);
});

test('size 0 keeps none, and the end of a pool takes its spares along, also one that is being started', async () => {
  await using sandboxes = await openSandboxes();
  await using none = openPool(sandboxes, { size: 0 });
  await sleep(300);
  assert.deepEqual(await sandboxes.containers(), []);
  await using cold = await none.acquire('job', soon());
  assert.equal(cold.warm, false);

  const pool = openPool(sandboxes, { size: 2 });
  await filled(pool, 1);
  await pool[Symbol.asyncDispose]();
  assert.deepEqual(await sandboxes.containers(), [cold.id]);
});

test('a job that is cancelled while it takes a spare leaves nothing', async () => {
  await using sandboxes = await openSandboxes();
  const controller = new AbortController();
  await using pool = openPool(sandboxes, {
    refillAfterMs: 60_000,
    imageId: async () => {
      if (pool?.waiting() === 1) controller.abort(new Error('cancelled'));
      return 'sha256:same';
    },
  });
  await filled(pool);
  await assert.rejects(pool.acquire('job', controller.signal), /cancelled/);
  assert.deepEqual(await sandboxes.containers(), []);
});
