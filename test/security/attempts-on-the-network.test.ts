import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from '../../server/domain/sandbox.ts';
import { createGitHub } from '../../server/github/github.ts';
import { hello, startUpstream, takeAll, until } from '../support/egress-upstream.ts';
import { startForge } from '../support/forge/forge.ts';
import { openSandboxes, soon, type TestSandboxes } from '../support/sandboxes.ts';
import { attempt } from '../support/security/attempt.ts';
import {
  beyondTheFetch,
  createWeakGateway,
  gitHubOptions,
  openOutsideWorld,
} from '../support/security/outside-world.ts';
import { type Weakness, weakenedDocker } from '../support/security/weakened-docker.ts';
import { buildClientHello } from '../support/tls-client-hello.ts';

/** The agent of attempts.test.ts tries to reach the network, and to load the server by what leads out of its sandbox. */

let sandboxes: TestSandboxes;
/** For what leaves a sandbox as it was. */
let shared: Sandbox;
before(async () => {
  sandboxes = await openSandboxes();
  shared = await sandboxes.acquire('network', soon());
});
after(() => sandboxes?.[Symbol.asyncDispose]());

/** One of its own for a program that takes the place of the toolbox. */
const takeSandbox = async (program: string) => {
  if (!program.startsWith('take-')) return { sandbox: shared, async [Symbol.asyncDispose]() {} };
  const sandbox = await sandboxes.acquire(program, soon());
  return { sandbox, [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]() };
};

describe('the way out', () => {
  for (const [program, words, weakness, least] of [
    [
      'take-the-way-out.py',
      [buildClientHello({ serverNames: ['evil.example'] }).toString('base64')],
      'forbids known names',
      40,
    ],
    ['smuggle-through-the-gateway.py', [], 'forbids known names', 15],
    ['name-data-to-a-resolver.py', ['5ec2e7da7a'], 'resolves before it asks the list', 15],
  ] as const) {
    test(`lets nothing through to ${program}`, async () => {
      await using own = await takeSandbox(program);
      await using world = await openOutsideWorld(own.sandbox);
      const said = await attempt(own.sandbox, program, ...words);
      assert.match(said, /^-- \d+ requests/m);
      assert.deepEqual(beyondTheFetch(world), []);
    });

    test(`of a weak server does, and ${program} is seen`, async () => {
      await using own = await takeSandbox(program);
      await using world = await openOutsideWorld(own.sandbox, { weakness });
      await attempt(own.sandbox, program, ...words);
      const seen = beyondTheFetch(world);
      assert.ok(seen.length >= least, seen.join('\n'));
    });
  }
});

describe('git in the clone', () => {
  /** What the repository and the server's log of requests show of it, and what it printed. */
  const pushed = async (isWeak: boolean) => {
    await using forge = await startForge();
    const books = await forge.createRepository('acme/books', { files: { 'README.md': '# Books\n' } });
    await forge.createRepository(
      'acme/secret',
      { files: { 'secret.txt': 'the-other-repository' } },
      { private: true },
    );
    await using sandbox = await sandboxes.acquire('push', soon());
    const options = { ...gitHubOptions(forge.url, forge.token), apiUrl: forge.apiUrl };
    const github = createGitHub(options);
    const base = await github.resolveBase({ owner: 'acme', name: 'books' }, undefined, soon());
    await github.clone(sandbox, base, () => {}, soon());
    if (isWeak) sandbox.openWayOut(createWeakGateway(options));
    const said = await attempt(sandbox, 'push-through-the-gateway.sh');
    assert.match(said, /the gateway is open/);
    return {
      branches: await books.git('for-each-ref', '--format=%(refname) %(objectname)'),
      asked: forge.requests.filter(
        ({ path, query }) => /secret|receive-pack/.test(path + query) || path.includes('..'),
      ).length,
      stolen: said.includes('the-other-repository'),
      start: `refs/heads/main ${base.commit}`,
    };
  };

  test('fetches its repository, pushes nothing, and reads no other', async () => {
    const { start, ...seen } = await pushed(false);
    assert.deepEqual(seen, { branches: start, asked: 0, stolen: false });
  });

  test('does all of it through a weak gateway', async () => {
    const { branches, asked, stolen } = await pushed(true);
    assert.match(branches, /refs\/heads\/evil/);
    assert.deepEqual({ isAsked: asked > 0, stolen }, { isAsked: true, stolen: true });
  });
});

describe('after the end', () => {
  test('no connection of the sandbox’s stays, and none comes', async () => {
    await using upstream = await startUpstream(takeAll);
    await using sandbox = await sandboxes.acquire('tunnel', soon());
    await using world = await openOutsideWorld(sandbox, { dial: () => upstream.dial() });
    await attempt(sandbox, 'hold-a-tunnel.py', hello.toString('base64'));
    await until(() => upstream.open() > 2 && world.requests.length > 2, 'a tunnel and a fetch');
    await sandbox[Symbol.asyncDispose]();
    await until(() => upstream.open() === 0, 'the end of the tunnels');
    const before = { dialled: world.dialled.length, requests: world.requests.length };
    await sleep(1000);
    assert.deepEqual({ dialled: world.dialled.length, requests: world.requests.length }, before);
    assert.equal(upstream.open(), 0);
  });
});

describe('pipes that carry no channel', () => {
  const flood = async (weakness: Weakness) => {
    const sockets: Socket[] = [];
    await using own = await openSandboxes({}, await weakenedDocker(weakness, sockets));
    const sandbox = await own.acquire('flood', soon());
    await attempt(sandbox, 'flood-the-server.sh').catch(() => {});
    const megabytes = sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0) >> 20;
    return { megabytes, isLost: sandbox.lost.aborted };
  };

  test('bring the server nothing', async () => {
    assert.deepEqual(await flood({}), { megabytes: 0, isLost: false });
  });

  // The server ends a channel on which anything comes that is not stdout.
  test('reach it where they are attached, and it ends the channel', async () => {
    assert.equal((await flood({ exec: { AttachStderr: true } })).isLost, true);
  });
});
