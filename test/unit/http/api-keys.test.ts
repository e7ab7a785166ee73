import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openKeyring } from '../../../server/http/keyring.ts';
import { createJob, postJson, rawRequest, repoUrl, serve, succeeded } from './serve.ts';

type Server = Awaited<ReturnType<typeof serve>>;

const unlimited = { runningMax: null, jobsPerHourMax: null, repositories: null };

const addKey = async (server: Server, name: string, limits = {}): Promise<string> =>
  (await server.keys.add({ name, ...unlimited, ...limits })) ?? assert.fail();

const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });

const statusWith = async (server: Server, key: string): Promise<number> =>
  (await fetch(`${server.url}/jobs`, { headers: bearer(key) })).status;

/** Every request that names a job, but for the job. */
const endpoints: [method: string, path: (id: string) => string, headers: Record<string, string>][] = [
  ['GET', (id) => `/jobs/${id}`, {}],
  ['HEAD', (id) => `/jobs/${id}`, {}],
  ['GET', (id) => `/jobs/${id}/events`, {}],
  ['HEAD', (id) => `/jobs/${id}/events`, {}],
  ['GET', (id) => `/jobs/${id}/events?after=1000`, {}],
  ['GET', (id) => `/jobs/${id}/events`, { Accept: 'application/json' }],
  ['GET', (id) => `/jobs/${id}/events?stream=false&after=x`, {}],
  ['GET', (id) => `/jobs/${id}/events?limit=0`, {}],
  ['GET', (id) => `/jobs/${id}/events`, { 'Last-Event-ID': '1' }],
  ['GET', (id) => `/jobs/${id}/patch`, {}],
  ['HEAD', (id) => `/jobs/${id}/patch`, {}],
  ['DELETE', (id) => `/jobs/${id}`, {}],
];

test('a key sees its own jobs, and of all others as much as of a job that there is not', async () => {
  await using server = await serve({ apiKeys: ['setting-key-one', 'setting-key-two'] });
  const keys = [
    'setting-key-one',
    'setting-key-two',
    await addKey(server, 'one'),
    await addKey(server, 'two'),
  ];
  await server.keyring.refresh();
  const owners = [...keys.map((key) => server.keyring.find(key)?.id), null];
  // Of every owner a job in each stage of its life.
  const jobs: { id: string; owner: string | null | undefined }[] = [];
  for (const owner of owners) {
    for (const stage of ['queued', 'running', 'succeeded']) {
      const id = `${stage}-${jobs.length}`;
      jobs.push({ id, owner });
      await createJob(server.store, id, owner);
      // The oldest in the queue is not this one, where others wait.
      if (stage !== 'queued')
        while ((await server.store.find(id))?.state === 'queued') await server.store.take();
      if (stage === 'succeeded') await server.store.append(id, succeeded);
    }
  }
  const ask = async (key: string, [method, path, headers]: (typeof endpoints)[number], id: string) => {
    const answer = await rawRequest(server.url + path(id), {
      method,
      headers: { ...headers, ...bearer(key) },
    });
    const { date: _, ...told } = answer.headers;
    return { ...answer, headers: told };
  };

  let refused = 0;
  for (const key of keys) {
    const owner = server.keyring.find(key)?.id;
    for (const endpoint of endpoints) {
      const unknown = await ask(key, endpoint, 'unknown');
      assert.equal(unknown.status, 404);
      for (const job of jobs.filter((one) => one.owner !== owner)) {
        assert.deepEqual(await ask(key, endpoint, job.id), unknown, `${endpoint[0]} ${endpoint[1](job.id)}`);
        refused++;
      }
    }
    const before = await ask(key, ['GET', (id) => `/jobs?before=${id}`, {}], 'unknown');
    for (const job of jobs.filter((one) => one.owner !== owner)) {
      assert.deepEqual(await ask(key, ['GET', (id) => `/jobs?before=${id}`, {}], job.id), before);
    }
    const listed = JSON.parse((await ask(key, ['GET', () => '/jobs?limit=100', {}], '')).body);
    const own = jobs.filter((one) => one.owner === owner).map(({ id }) => id);
    assert.deepEqual(listed.jobs.map(({ id }: { id: string }) => id).toSorted(), own.toSorted());
    for (const id of own) {
      assert.equal((await ask(key, ['GET', (one) => `/jobs/${one}`, {}], id)).status, 200);
    }
  }
  assert.equal(refused, keys.length * endpoints.length * (jobs.length - 3));
  // Nobody's DELETE has reached a job.
  const states = await Promise.all(jobs.map(async ({ id }) => (await server.store.find(id))?.state));
  assert.ok(!states.includes('cancelled'));
});

test('a key of the settings owns the same jobs after the list has changed its order', async () => {
  const readStored = async () => [];
  const idIn = async (fromSettings: string[]) =>
    (await openKeyring({ fromSettings, readStored, freshMs: 0 })).find('setting-key-one')?.id;
  const id = await idIn(['setting-key-one']);
  assert.match(id ?? '', /^setting-[0-9a-f]{12}$/);
  assert.equal(await idIn(['another-key-0', 'setting-key-one', 'another-key-1']), id);
  assert.equal(await idIn(['another-key-0']), undefined);
});

test('no key but the whole one is taken, whatever part of it is known', async () => {
  await using server = await serve();
  const key = await addKey(server, 'one');
  const other = await addKey(server, 'other');
  assert.match(key, /^tb_[0-9a-f]{12}_[0-9a-f]{48}$/);
  const [, id, secret = ''] = key.split('_');
  const flipped = secret.slice(0, -1) + (secret.endsWith('0') ? '1' : '0');
  const [stored] = await server.keys.list();
  const wrong = [
    `tb_${id}_`,
    `tb_${id}_${'0'.repeat(48)}`,
    `tb_${id}_${flipped}`,
    `tb_${id}_${other.split('_')[2]}`,
    `tb_${id}_${Buffer.from(stored?.digest ?? [])
      .toString('hex')
      .slice(0, 48)}`,
    Buffer.from(stored?.digest ?? []).toString('hex'),
    `tb_000000000000_${secret}`,
    key.toUpperCase(),
    `${key}0`,
    secret,
    'tb___proto___',
  ];
  for (const token of wrong) assert.deepEqual([token, await statusWith(server, token)], [token, 401]);
  assert.deepEqual([await statusWith(server, key), await statusWith(server, other)], [200, 200]);
});

test('a revoked key is taken no more, and its open streams are cut', async () => {
  await using server = await serve();
  const key = await addKey(server, 'one');
  const other = await addKey(server, 'other');
  await server.keyring.refresh();
  await createJob(server.store, 'a', server.keyring.find(key)?.id);
  await createJob(server.store, 'b', server.keyring.find(other)?.id);
  const watch = async (id: string, as: string) => {
    const response = await fetch(`${server.url}/jobs/${id}/events`, { headers: bearer(as) });
    return { rest: response.text() };
  };
  const watching = await watch('a', key);
  const othersWatching = await watch('b', other);
  assert.equal(await server.keys.revoke('one'), true);
  assert.equal(await statusWith(server, key), 401);
  await assert.rejects(watching.rest, { message: 'terminated' });
  await server.store.take();
  await server.store.take();
  await server.store.append('b', succeeded);
  assert.match(await othersWatching.rest, /"Result"/);
});

test('the first key closes the server to all without one, and revoking the last opens it to nobody', async () => {
  await using server = await serve();
  const status = async () => (await fetch(`${server.url}/jobs`)).status;
  assert.equal(await status(), 200);
  const key = await addKey(server, 'one');
  assert.deepEqual([await status(), await statusWith(server, key)], [401, 200]);
  await server.keys.revoke('one');
  assert.deepEqual([await status(), await statusWith(server, key)], [401, 401]);
});

test('a server that listens for others serves nobody without a key, even while there is none', async () => {
  await using server = await serve({ servesWithoutKeys: false });
  assert.equal((await fetch(`${server.url}/jobs`)).status, 401);
});

test('known keys go on while the database is away, and changes count when it is back', async () => {
  let isAway = false;
  await using server = await serve();
  const key = await addKey(server, 'one');
  const keyring = await openKeyring({
    fromSettings: [],
    freshMs: 0,
    readStored: () => (isAway ? Promise.reject(new Error('away')) : server.keys.list()),
  });
  isAway = true;
  await server.keys.revoke('one');
  await keyring.refresh();
  assert.equal(keyring.find(key)?.name, 'one');
  isAway = false;
  await keyring.refresh();
  assert.equal(keyring.find(key), undefined);
});

test('keys are read again only when they are no longer fresh, and once for all who wait', async () => {
  let reads = 0;
  const readStored = async () => {
    reads++;
    return [];
  };
  const keyring = await openKeyring({ fromSettings: [], readStored, freshMs: 60_000 });
  await keyring.refresh();
  assert.equal(reads, 1);
  const stale = await openKeyring({ fromSettings: [], readStored, freshMs: 0 });
  await Promise.all(Array.from({ length: 10 }, () => stale.refresh()));
  assert.equal(reads, 3);
});

test('a key for some repositories asks for no others', async () => {
  await using server = await serve();
  const key = await addKey(server, 'one', { repositories: ['octocat/hello-world', 'Acme/*'] });
  const ask = async (url: string) => {
    const response = await postJson(
      `${server.url}/code`,
      { repoUrl: url, prompt: 'x' },
      { ...bearer(key), Accept: 'application/json' },
    );
    return [url, response.status, ((await response.json()) as { code?: string }).code];
  };
  for (const name of ['octocat/hello-world', 'OctoCat/Hello-World.git', 'acme/anything', 'ACME/x']) {
    const url = `https://github.com/${name}`;
    assert.deepEqual(await ask(url), [url, 202, undefined]);
  }
  for (const name of ['octocat/hello', 'octocat/hello-world2', 'acme2/x', 'x/acme', 'hello-world/octocat']) {
    const url = `https://github.com/${name}`;
    assert.deepEqual(await ask(url), [url, 403, 'forbidden']);
  }
  const unlimitedKey = await addKey(server, 'two');
  const free = await postJson(
    `${server.url}/code`,
    { repoUrl: 'https://github.com/x/y', prompt: 'x' },
    { ...bearer(unlimitedKey), Accept: 'application/json' },
  );
  assert.equal(free.status, 202);
});

test('jobs per hour beyond a key’s limit are 429 and say when there is room again', async () => {
  await using server = await serve();
  const key = await addKey(server, 'one', { jobsPerHourMax: 2 });
  const ask = () =>
    postJson(`${server.url}/code`, { repoUrl, prompt: 'x' }, { ...bearer(key), Accept: 'application/json' });
  assert.deepEqual([(await ask()).status, (await ask()).status], [202, 202]);
  const refused = await ask();
  const seconds = Number(refused.headers.get('retry-after'));
  assert.ok(seconds > 3500 && seconds <= 3600, `${seconds}`);
  assert.deepEqual(await refused.json(), {
    type: 'about:blank',
    title: 'Too Many Requests',
    status: 429,
    detail: '2 jobs were asked for in the last hour: more are not allowed with this key.',
    code: 'rate_limited',
    whatToDo: 'Ask again after the seconds in the header Retry-After.',
  });
});
