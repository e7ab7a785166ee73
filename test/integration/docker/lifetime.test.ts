import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectEngine } from '../../../server/docker/engine.ts';
import { createSandboxes } from '../../../server/docker/sandboxes.ts';
import { AppError } from '../../../server/domain/errors.ts';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { requireDocker, sandboxImage, sandboxRuntime } from '../../support/docker.ts';
import { containersOf, openSandboxes, sandboxLimits, shell, soon } from '../../support/sandboxes.ts';

const failure = async (promise: Promise<unknown>): Promise<AppError> => {
  const error = await promise.then(
    () => new Error('It did not fail.'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AppError, String(error));
  return error;
};

describe('an orphan', () => {
  test('whose server was killed ends by itself', { timeout: 120_000 }, async () => {
    const docker = await requireDocker();
    const serverId = `test-abandoned-${process.pid}`;
    const program = path.resolve(import.meta.dirname, '../../support/abandoned-sandbox.ts');
    const server = spawn(process.execPath, [program, serverId], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [id] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
    const container = docker.getContainer(id);
    try {
      const ended = container.wait().then(({ StatusCode }: { StatusCode: number }) => StatusCode);
      server.kill('SIGKILL');
      const early = await Promise.race([ended, sleep(10_000, 'still there')]);
      assert.equal(early, 'still there', 'it must leave its server time to come back');
      // 30 s, the longest pause between two looks, and time for a busy machine. Removed, it would end with 137.
      assert.equal(await Promise.race([ended, sleep(75_000, 'still there')]), 0);
    } finally {
      await container.remove({ force: true }).catch(() => {});
    }
  });
});

describe('the end of a sandbox', () => {
  test('takes the container with it, and may be asked for twice', async () => {
    await using sandboxes = await openSandboxes();
    const sandbox = await sandboxes.acquire('job', soon());
    assert.deepEqual(await sandboxes.containers(), [sandbox.id]);
    await sandbox[Symbol.asyncDispose]();
    assert.deepEqual(await sandboxes.containers(), []);
    await sandbox[Symbol.asyncDispose]();
    assert.equal((await failure(shell(sandbox, 'true'))).code, 'sandbox_lost');
  });

  test('is no error when the container is gone already', async () => {
    await using sandboxes = await openSandboxes();
    const sandbox = await sandboxes.acquire('job', soon());
    await sandboxes.docker.getContainer(sandbox.id).remove({ force: true });
    await sandbox[Symbol.asyncDispose]();
    assert.deepEqual(await sandboxes.containers(), []);
  });

  test('ends what still runs in it', async () => {
    await using sandboxes = await openSandboxes();
    const sandbox = await sandboxes.acquire('job', soon());
    const running = failure(shell(sandbox, 'sleep 40'));
    await sleep(200);
    await sandbox[Symbol.asyncDispose]();
    assert.equal((await running).code, 'sandbox_lost');
  });
});

describe('a sandbox that is lost', () => {
  const ways: Record<string, (sandbox: Sandbox, kill: () => Promise<unknown>) => Promise<unknown>> = {
    'since its container was killed': (_, kill) => kill(),
    // Docker leaves the connections of its execs open then.
    'since gVisor was killed': async ({ id }) => {
      const found = execFileSync('pgrep', ['-f', `runsc-sandbox.*${id}`], { encoding: 'utf8' });
      for (const pid of found.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
    },
    'since the agent killed the toolbox': (sandbox) =>
      sandbox
        .exec({ command: 'pkill -9 -f toolbox/calls.js', timeoutMs: 5000, outputBytesMax: 100 }, soon())
        .catch(() => {}),
    'since its memory is full': (sandbox) =>
      sandbox
        .exec(
          { command: 'head -c 2G /dev/zero | tail -c 2G', timeoutMs: 60_000, outputBytesMax: 100 },
          soon(),
        )
        .catch(() => {}),
  };
  for (const [name, lose] of Object.entries(ways)) {
    test(`${name} says so at once, to what runs and to what comes`, async () => {
      const limits = { ...sandboxLimits, memoryBytes: 512 << 20 };
      await using sandboxes = await openSandboxes({ limits });
      await using sandbox = await sandboxes.acquire('job', soon());
      const running = failure(shell(sandbox, 'sleep 45'));
      await sleep(200);
      await lose(sandbox, () => sandboxes.docker.getContainer(sandbox.id).kill());
      const lostAt = performance.now();
      const error = await running;
      assert.equal(error.code, 'sandbox_lost');
      assert.equal(
        (await failure(sandbox.read({ filepath: 'a', bytesMax: 1 }, soon()))).code,
        'sandbox_lost',
      );
      assert.ok(performance.now() - lostAt < 1000);
      assert.equal(sandbox.lost.aborted, true);
    });
  }
});

describe('a sandbox that cannot be started', () => {
  const refusals: [string, Parameters<typeof openSandboxes>[0], RegExp][] = [
    ['for an unknown runtime', { runtime: 'no-such-runtime' }, /no-such-runtime/],
    ['for a missing image', { image: 'no-such/image:1' }, /No such image: no-such\/image:1/],
    [
      'for limits that no gVisor starts with',
      { limits: { ...sandboxLimits, memoryBytes: 1 << 20 } },
      /memory/i,
    ],
    ['in time', { startMs: 1 }, /timeout/i],
  ];
  for (const [name, options, reason] of refusals) {
    test(`${name} is unavailable, says why, and leaves no container`, async () => {
      await using sandboxes = await openSandboxes(options);
      const error = await failure(sandboxes.acquire('job', soon()));
      assert.equal(error.code, 'sandbox_unavailable');
      assert.match(error.message, reason);
      // The engine may make one after all, a moment after nobody waits for it any more.
      for (let looks = 0, clean = 0; looks < 100 && clean < 15; looks++) {
        clean = (await sandboxes.containers()).length === 0 ? clean + 1 : 0;
        await sleep(100);
      }
      assert.deepEqual(await sandboxes.containers(), []);
    });
  }

  test('from an image without a toolbox is unavailable and leaves no container', async () => {
    await using sandboxes = await openSandboxes({ image: 'node:24-bookworm-slim' });
    assert.equal((await failure(sandboxes.acquire('job', soon()))).code, 'sandbox_unavailable');
    assert.deepEqual(await sandboxes.containers(), []);
  });

  test('since there is no Docker is unavailable', async () => {
    const sandboxes = createSandboxes(connectEngine('unix:///nowhere/docker.sock'), {
      image: sandboxImage,
      runtime: sandboxRuntime,
      serverId: 'none',
      processId: 'none',
      lifetimeMs: 1,
      limits: sandboxLimits,
      startMs: 5000,
      filesMax: 1,
    });
    const error = await failure(sandboxes.acquire('job', soon()));
    assert.equal(error.code, 'sandbox_unavailable');
    assert.match(error.message, /ENOENT/);
  });

  test('because the job was cancelled leaves no container, whenever that was', async () => {
    await using sandboxes = await openSandboxes();
    const reason = new AppError('cancelled', 'The job was cancelled.');
    for (const afterMs of [0, 30, 200, 450]) {
      const controller = new AbortController();
      const acquiring = failure(sandboxes.acquire('job', controller.signal));
      setTimeout(() => controller.abort(reason), afterMs);
      assert.equal(await acquiring, reason);
      assert.deepEqual(await sandboxes.containers(), [], `${afterMs} ms`);
    }
  });
});

test('two sandboxes on one engine are told apart by server and job', async () => {
  await using first = await openSandboxes();
  await using second = await openSandboxes();
  await using one = await first.acquire('job-1', soon());
  await using other = await second.acquire('job-2', soon());
  await shell(one, 'echo mine >file');
  assert.equal(await shell(other, 'ls -A'), '');
  assert.deepEqual(await containersOf(first.docker, first.serverId), [one.id]);
  assert.deepEqual(await containersOf(first.docker, second.serverId), [other.id]);
});

test('no process of the sandbox can open the toolbox’s inspector', async () => {
  await using sandboxes = await openSandboxes();
  await using sandbox = await sandboxes.acquire('job', soon());
  // Without --disable-sigusr1 the signal makes Node listen on 127.0.0.1:9229, and who connects there may change what
  // the toolbox answers: an exit code, for instance.
  const command = `for p in $(pgrep -f 'toolbox/(calls|way-out)'); do kill -USR1 "$p" && echo signalled; done
    sleep 1; curl --silent --max-time 2 http://127.0.0.1:9229/json/version || echo "no inspector ($?)"`;
  assert.equal(await shell(sandbox, command), 'signalled\nsignalled\nno inspector (7)');
  const codes = [];
  for (const exitCode of [0, 1, 42, 255]) {
    const request = { command: `exit ${exitCode}`, timeoutMs: 5000, outputBytesMax: 10 };
    codes.push((await sandbox.exec(request, soon())).exitCode);
  }
  assert.deepEqual(codes, [0, 1, 42, 255]);
});
