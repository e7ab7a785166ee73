import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from '../../server/docker/pool.ts';
import type { Sandbox } from '../../server/domain/sandbox.ts';
import { recordingLog } from '../support/jobs.ts';
import { leaksIn } from '../support/leaks.ts';
import { openSandboxes, shell, soon, type TestSandboxes } from '../support/sandboxes.ts';
import { attempt } from '../support/security/attempt.ts';
import { layCanary } from '../support/security/canary.ts';
import { startListeners } from '../support/security/listeners.ts';
import { openOutsideWorld } from '../support/security/outside-world.ts';
import { type Weakness, weakenedDocker } from '../support/security/weakened-docker.ts';

/**
 * An agent that was taken over tries to break out of its sandbox. Each program of ./attempts says what it tries and what
 * would be success; whether it had any is judged from outside, and the same program against something weak must be seen to
 * succeed. The files attempts-….test.ts are about the network, about whole jobs, and about what stays.
 */

let sandboxes: TestSandboxes;
/** For what leaves a sandbox as it was. */
let shared: Sandbox;
before(async () => {
  sandboxes = await openSandboxes();
  shared = await sandboxes.acquire('attempts', soon());
});
after(() => sandboxes?.[Symbol.asyncDispose]());

const weakSandbox = async (weakness: Weakness, options: Parameters<typeof openSandboxes>[0] = {}) => {
  const weak = await openSandboxes(options, await weakenedDocker(weakness));
  const sandbox = await weak.acquire('weak', soon());
  return { sandbox, [Symbol.asyncDispose]: () => weak[Symbol.asyncDispose]() };
};

/** More of what a container gets from its host. */
const withHost = (more: object): Weakness => ({
  container: (spec) => ({ ...spec, HostConfig: { ...spec.HostConfig, ...more } }),
});

describe('the host’s files', () => {
  const findTheHost = async (sandbox: Sandbox, canary: { directory: string; mark: string }) => {
    const said = await attempt(sandbox, 'find-the-host.sh', canary.directory);
    return said.includes(canary.mark);
  };

  test('are neither read nor written', async () => {
    await using canary = await layCanary();
    const wasRead = await findTheHost(shared, canary);
    assert.deepEqual({ wasRead, changes: await canary.changes() }, { wasRead: false, changes: [] });
  });

  test('of a container with a directory of the host are', async () => {
    await using canary = await layCanary();
    await using weak = await weakSandbox(withHost({ Binds: [`${canary.directory}:/mnt`] }));
    assert.equal(await findTheHost(weak.sandbox, canary), true);
    assert.deepEqual(await canary.changes(), ['planted-by-the-agent', 'canary.txt']);
  });
});

describe('the server’s secrets', () => {
  for (const program of ['read-the-secrets.py', 'catch-the-credentials.py'])
    test(`are not there to be taken by ${program}`, async () => {
      await using sandbox = await sandboxes.acquire(program, soon());
      await using world = await openOutsideWorld(sandbox);
      const said = await attempt(sandbox, program);
      assert.match(said, /git/);
      assert.deepEqual(leaksIn(said, { token: world.token }), []);
    });

  test('are seen in an environment that has them, and in a gateway that shows its headers', async () => {
    const secret = 'ghp_planted0123456789abcdef';
    const planted: Weakness = { container: (spec) => ({ ...spec, Env: [`TOKEN=${btoa(secret)}`] }) };
    await using weak = await weakSandbox(planted);
    await using world = await openOutsideWorld(weak.sandbox, { weakness: 'forbids known names' });
    const said = await attempt(weak.sandbox, 'read-the-secrets.py');
    assert.deepEqual(leaksIn(said, { secret, token: world.token }), ['secret (base64)', 'token (base64)']);
  });
});

describe('neighbours', () => {
  test('hear nothing', async () => {
    await using listeners = await startListeners();
    await using other = await sandboxes.acquire('neighbour', soon());
    const answers = `(: </dev/tcp/127.0.0.1/${listeners.port}) 2>/dev/null`;
    const listen = `python3 -m http.server ${listeners.port} >/dev/null 2>/tmp/heard &`;
    await shell(other, `${listen} until ${answers}; do sleep 0.1; done`);
    const said = await attempt(
      shared,
      'reach-the-neighbours.py',
      String(listeners.port),
      ...listeners.addresses,
    );
    assert.match(said, /^tcp /m);
    assert.deepEqual(listeners.heard, []);
    assert.equal(await shell(other, 'grep -c GET /tmp/heard || true'), '0');
  });

  test('of a container that has a network do', async () => {
    await using listeners = await startListeners();
    await using weak = await weakSandbox(withHost({ NetworkMode: 'bridge' }), {
      runtime: 'runc',
      withoutGVisor: true,
    });
    await attempt(weak.sandbox, 'reach-the-neighbours.py', String(listeners.port), ...listeners.addresses);
    assert.deepEqual([...new Set(listeners.heard)].toSorted(), ['tcp', 'udp']);
  });
});

describe('a later job', () => {
  const look = async (sandbox: Sandbox, mark: string): Promise<string[]> => {
    const said = await attempt(sandbox, 'look-for-marks.py', mark);
    assert.match(said, /-- looked/);
    return said.split('\n').filter((line) => line.startsWith('FOUND'));
  };

  test('finds no mark of an earlier one, in a spare that waited nor in a new sandbox', async () => {
    await using own = await openSandboxes();
    const options = { size: 1, imageId: async () => 'the same', refillAfterMs: 0, spareMsMax: 600_000 };
    await using pool = createPool(own, { ...options, retryAfterMs: 100, log: recordingLog() });
    const mark = `canary-of-${own.serverId}`;
    {
      await using first = await pool.acquire('first', soon());
      await attempt(first, 'mark-the-machine.py', mark);
      while (pool.waiting() === 0) await sleep(50);
      await using spare = await pool.acquire('meanwhile', soon());
      assert.equal(spare.warm, true);
      assert.deepEqual(await look(spare, mark), []);
    }
    await using later = await pool.acquire('later', soon());
    assert.deepEqual(await look(later, mark), []);
  });

  test('finds them where sandboxes share a directory', async () => {
    await using canary = await layCanary();
    const weakness = withHost({ Binds: [`${canary.directory}:/var/cache`] });
    await using own = await openSandboxes({}, await weakenedDocker(weakness));
    const [first, later] = await Promise.all([own.acquire('first', soon()), own.acquire('later', soon())]);
    await attempt(first, 'mark-the-machine.py', canary.mark);
    assert.ok((await look(later, canary.mark)).includes('FOUND in /var/cache/.bashrc'));
  });
});
