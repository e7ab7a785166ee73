import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { createGitHub } from '../../../server/github/github.ts';
import { never, setUp, shop } from './set-up.ts';

test('the base is the newest commit of the default branch, under the canonical name', async () => {
  await using scene = await setUp();
  const commit = await scene.repository.commit({ 'new.txt': 'new\n' });
  assert.deepEqual(await scene.github.resolveBase({ owner: 'ACME', name: 'Shop' }, undefined, never), {
    repositoryId: scene.repository.id,
    repository: shop,
    private: false,
    branch: 'main',
    commit,
  });
  assert.deepEqual(scene.forge.violations, []);
});

test('a branch that is named with slashes and signs is found', async () => {
  await using scene = await setUp(undefined, { private: true });
  const branch = 'feature/über-#1%20';
  const commit = await scene.repository.commit({ 'new.txt': 'new\n' }, 'New', branch);
  assert.deepEqual(await scene.github.resolveBase(shop, branch, never), {
    repositoryId: scene.repository.id,
    repository: shop,
    private: true,
    branch,
    commit,
  });
});

test('a renamed repository comes back under its new name', async () => {
  await using scene = await setUp();
  scene.forge.renameRepository('acme/shop', 'acme/store');
  const base = await scene.github.resolveBase(shop, undefined, never);
  assert.deepEqual(base.repository, { owner: 'acme', name: 'store' });
  assert.equal(base.repositoryId, scene.repository.id);
});

test('a repository that is not there, or private to others, is not found', async () => {
  await using scene = await setUp();
  await assert.rejects(scene.github.resolveBase({ owner: 'acme', name: 'none' }, undefined, never), {
    code: 'repository_not_found',
    message: 'GitHub shows no repository acme/none to this server.',
  });
});

test('an empty repository says so', async () => {
  await using scene = await setUp({ empty: true });
  await assert.rejects(scene.github.resolveBase(shop, undefined, never), {
    code: 'repository_empty',
    message: 'acme/shop has no commit to start from yet.',
  });
});

test('a branch that is not there names one that is', async () => {
  await using scene = await setUp();
  await assert.rejects(scene.github.resolveBase(shop, 'mian', never), {
    code: 'branch_not_found',
    message: 'acme/shop has no branch «mian».',
    whatToDo: 'Check the name in baseBranch, or leave it out to use the default branch «main».',
  });
});

test('an archived repository is refused before any work', async () => {
  await using scene = await setUp();
  const body = { id: 1, name: 'shop', full_name: 'acme/shop', owner: { login: 'acme' }, archived: true };
  scene.forge.intercept(() => ({ status: 200, body }));
  await assert.rejects(scene.github.resolveBase(shop, undefined, never), {
    code: 'publish_failed',
    message: 'acme/shop is archived, so it is read only.',
  });
});

test('a token that may not push is refused before any work', async () => {
  await using scene = await setUp();
  const github = createGitHub({ ...scene.options, token: scene.forge.readOnlyToken });
  await assert.rejects(github.resolveBase(shop, undefined, never), {
    code: 'github_credentials',
    message: 'The server’s token may read acme/shop, but not push to it.',
    whatToDo: 'Give the server a GITHUB_TOKEN that may write contents and pull requests of this repository.',
  });
});

test('where GitHub does not say whether a token may push, the job goes on', async () => {
  await using scene = await setUp();
  const { permissions, ...body } = (await (await fetch(`${scene.forge.apiUrl}/repos/acme/shop`)).json()) as {
    permissions: unknown;
  };
  assert.ok(permissions);
  scene.forge.intercept(({ path }) => (path === '/api/repos/acme/shop' ? { status: 200, body } : undefined));
  assert.partialDeepStrictEqual(await scene.github.resolveBase(shop, undefined, never), { branch: 'main' });
});

test('a wrong token is named, and no error tells it', async () => {
  const token = 'ghp_canary0123456789';
  await using scene = await setUp(undefined, { options: { token } });
  const error = await scene.github.resolveBase(shop, undefined, never).then(
    () => assert.fail('It was resolved.'),
    (thrown: unknown) => thrown,
  );
  assert.equal((error as { code?: unknown }).code, 'github_credentials');
  assert.match(String(error), /GitHub refuses the server’s token: Bad credentials/);
  assert.equal(inspect(error, { depth: 20, showHidden: true }).includes(token), false);
});

test('a used-up rate limit says when it ends', async () => {
  await using scene = await setUp();
  scene.forge.intercept(() => ({
    status: 403,
    headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1790000000' },
    body: { message: 'API rate limit exceeded for user ID 1.' },
  }));
  await assert.rejects(scene.github.resolveBase(shop, undefined, never), {
    code: 'github_failed',
    message: /rate limit .* is used up: API rate limit exceeded for user ID 1\./,
    whatToDo: 'Send the job again after 2026-09-21T14:13:20.000Z.',
  });
  assert.equal(scene.forge.requests.length, 1);
});

test('a 403 that is no rate limit is about the token', async () => {
  await using scene = await setUp();
  scene.forge.intercept(() => ({
    status: 403,
    body: { message: 'Resource protected by organization SAML enforcement.' },
  }));
  await assert.rejects(scene.github.resolveBase(shop, undefined, never), {
    code: 'github_credentials',
    message: /SAML enforcement/,
  });
});

test('reading is repeated after a 502 and a broken connection', async () => {
  await using scene = await setUp();
  const faults = [{ status: 502 }, { instead: 'drop' as const }];
  scene.forge.intercept(() => faults.shift());
  const base = await scene.github.resolveBase(shop, undefined, never);
  assert.equal(base.branch, 'main');
  assert.equal(scene.forge.requests.length, 4);
});

test('reading gives up after three attempts', async () => {
  await using scene = await setUp();
  scene.forge.intercept(() => ({ status: 503, body: { message: 'Unicorn' } }));
  await assert.rejects(scene.github.resolveBase(shop, undefined, never), {
    code: 'github_failed',
    message: 'GitHub’s API failed with status 503: Unicorn',
  });
  assert.equal(scene.forge.requests.length, 3);
});

test('an answer that does not come in time is given up', async () => {
  await using scene = await setUp(undefined, { limits: { apiTimeoutMs: 50 } });
  scene.forge.intercept(() => ({ delayMs: 5_000 }));
  await assert.rejects(scene.github.resolveBase(shop, undefined, never), {
    code: 'github_failed',
    message: /did not answer/,
  });
});

test('a cancelled job stops waiting, with its own reason', async () => {
  await using scene = await setUp();
  scene.forge.intercept(() => ({ delayMs: 5_000 }));
  const stop = new AbortController();
  const resolving = scene.github.resolveBase(shop, undefined, stop.signal);
  stop.abort(new Error('The job was cancelled.'));
  await assert.rejects(resolving, { message: 'The job was cancelled.' });
});

test('a redirect to another host is not followed: that host sees no connection', async () => {
  let connections = 0;
  await using other = await listen((_, answer) => answer.end('{}'));
  other.onConnection(() => {
    connections += 1;
  });
  await using scene = await setUp();
  for (const status of [301, 302, 307, 308]) {
    scene.forge.intercept(() => ({ status, headers: { location: `${other.url}/api/repositories/1` } }));
    await assert.rejects(scene.github.resolveBase(shop, undefined, never), {
      code: 'github_failed',
      message: `GitHub’s API redirected to another host, ${new URL(other.url).host}: refused.`,
    });
  }
  assert.equal(connections, 0);
});

test('a redirect that goes round in circles ends', async () => {
  await using scene = await setUp();
  scene.forge.intercept(({ path }) => ({ status: 301, headers: { location: path } }));
  await assert.rejects(scene.github.resolveBase(shop, undefined, never), {
    code: 'github_failed',
    message: 'GitHub’s API redirected again and again.',
  });
  assert.equal(scene.forge.requests.length, 4);
});

test('an endless answer is cut', async () => {
  await using endless = await listen((_, answer) => {
    answer.writeHead(200, { 'content-type': 'application/json' });
    const more = () => {
      while (!answer.destroyed && answer.write('x'.repeat(65_536)));
    };
    answer.on('drain', more);
    more();
  });
  await using scene = await setUp();
  const github = createGitHub({ ...scene.options, apiUrl: endless.url });
  await assert.rejects(github.resolveBase(shop, undefined, never), {
    code: 'github_failed',
    message: 'An answer of GitHub’s API has more than 4194304 bytes.',
  });
});

const listen = async (listener: RequestListener) => {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    onConnection: (told: () => void) => server.on('connection', told),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
