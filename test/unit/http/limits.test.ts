import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { createClientAddress } from '../../../server/http/client-address.ts';
import { createRateLimit } from '../../../server/http/rate-limit.ts';
import {
  createJob,
  createRunningJob,
  postJson,
  rawRequest,
  repoUrl,
  serve,
  succeeded,
  until,
} from './serve.ts';

const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });

const assertLimited = async (response: Response): Promise<void> => {
  const seconds = Number(response.headers.get('retry-after'));
  const { code } = (await response.json()) as { code: string };
  assert.deepEqual([response.status, code], [429, 'rate_limited']);
  assert.ok(seconds >= 1 && seconds <= 60, `${seconds}`);
};

test('a key that asks too often is refused on every endpoint, and no other key is', async () => {
  await using server = await serve({ apiKeys: ['key-one', 'key-two'], requestsPerMinuteMax: 5 });
  const ask = (key: string, path = '/jobs') => fetch(server.url + path, { headers: bearer(key) });
  for (let n = 0; n < 5; n++) assert.equal((await ask('key-one')).status, 200);
  for (const path of ['/jobs', '/jobs/x', '/jobs/x/events', '/nowhere']) {
    await assertLimited(await ask('key-one', path));
  }
  await assertLimited(await postJson(`${server.url}/code`, { repoUrl, prompt: 'x' }, bearer('key-one')));
  assert.equal((await ask('key-two')).status, 200);
  assert.equal((await server.store.list({ limit: 1 })).length, 0);
});

test('without keys the address is counted, and so are health and readiness', async () => {
  await using server = await serve({ requestsPerMinuteMax: 4 });
  const statuses = [];
  for (const path of ['/jobs', '/healthz', '/readyz', '/jobs']) {
    statuses.push((await fetch(server.url + path)).status);
  }
  assert.deepEqual(statuses, [200, 200, 200, 200]);
  for (const path of ['/jobs', '/healthz', '/readyz']) await assertLimited(await fetch(server.url + path));
});

test('wrong keys are limited by address, and keep no right one out', async () => {
  await using server = await serve({ apiKeys: ['key-one'], failedKeysPerMinuteMax: 3 });
  const ask = (headers: Record<string, string>) => fetch(`${server.url}/jobs`, { headers });
  assert.equal((await ask({})).status, 401);
  assert.equal((await ask(bearer('wrong'))).status, 401);
  assert.equal((await ask(bearer('wronger'))).status, 401);
  await assertLimited(await ask(bearer('wrong')));
  await assertLimited(await ask({}));
  assert.equal((await ask(bearer('key-one'))).status, 200);
});

test('each client behind a trusted proxy is counted by itself, and nobody else’s word is taken', async () => {
  const settings = { apiKeys: ['key-one'], failedKeysPerMinuteMax: 1 };
  const statusesFor = async (trustedProxies: string[]) => {
    await using server = await serve({ ...settings, trustedProxies });
    const statuses = [];
    for (const client of ['192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.9, 192.0.2.1']) {
      const headers = { 'X-Forwarded-For': client };
      statuses.push((await rawRequest(`${server.url}/jobs`, { headers })).status);
    }
    return statuses;
  };
  assert.deepEqual(await statusesFor(['127.0.0.1']), [401, 401, 429, 429]);
  assert.deepEqual(await statusesFor([]), [401, 429, 429, 429]);
  assert.deepEqual(await statusesFor(['10.0.0.0/8']), [401, 429, 429, 429]);
});

test('the client is the last address that no proxy of ours has', () => {
  const addressOf = createClientAddress(['10.0.0.0/8', '::1', 'fd00::/8']);
  const table: [from: string | undefined, forwarded: string | undefined, address: string][] = [
    ['192.0.2.1', undefined, '192.0.2.1'],
    ['192.0.2.1', '203.0.113.1', '192.0.2.1'],
    ['10.1.2.3', undefined, '10.1.2.3'],
    ['10.1.2.3', '203.0.113.1', '203.0.113.1'],
    ['10.1.2.3', '198.51.100.1, 203.0.113.1', '203.0.113.1'],
    ['10.1.2.3', '203.0.113.1,10.9.9.9', '203.0.113.1'],
    ['10.1.2.3', '203.0.113.1, nonsense', '10.1.2.3'],
    ['10.1.2.3', '203.0.113.1:443', '10.1.2.3'],
    ['10.1.2.3', ' ', '10.1.2.3'],
    ['::ffff:10.1.2.3', '::ffff:203.0.113.1', '203.0.113.1'],
    ['::1', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['fd12::1%eth0', '2001:db8::6', '2001:db8:0:0::/64'],
    ['2001:0DB8:1:2:ffff::', undefined, '2001:db8:1:2::/64'],
    ['::2', undefined, '0:0:0:0::/64'],
    [undefined, undefined, ''],
  ];
  for (const [from, forwarded, address] of table) {
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
    const request = { socket: { remoteAddress: from }, headers } as unknown as IncomingMessage;
    assert.deepEqual([from, forwarded, addressOf(request)], [from, forwarded, address]);
  }
});

test('a limit holds for one minute, and a flood of names costs no memory but lets none of them through', (context) => {
  let now = 0;
  context.mock.method(performance, 'now', () => now);
  const limit = createRateLimit(2, 'requests');
  const take = (name: string) => {
    try {
      limit.take(name);
      return 'taken';
    } catch (error) {
      return (error as { retryAfterSeconds: number }).retryAfterSeconds;
    }
  };
  assert.deepEqual([take('a'), take('a'), take('a'), take('b')], ['taken', 'taken', 60, 'taken']);
  now = 59_500;
  assert.equal(take('a'), 1);
  now = 60_000;
  assert.equal(take('a'), 'taken');
  for (let n = 0; n < 9_999; n++) assert.equal(take(`name ${n}`), 'taken');
  assert.deepEqual([take('new 1'), take('new 2'), take('new 3'), take('a')], ['taken', 'taken', 60, 'taken']);
});

test('streams of one key beyond the limit are 429, until one of them ends', async () => {
  await using server = await serve({ apiKeys: ['key-one', 'key-two'], streamsPerKeyMax: 2 });
  const [one, two] = ['key-one', 'key-two'].map((key) => server.keyring.find(key)?.id);
  await createJob(server.store, 'a', one);
  await createJob(server.store, 'b', two);
  const watch = (id: string, key: string) =>
    fetch(`${server.url}/jobs/${id}/events`, { headers: bearer(key) });
  const [first] = [await watch('a', 'key-one'), await watch('a', 'key-one')];
  const third = await watch('a', 'key-one');
  assert.deepEqual([third.status, third.headers.get('retry-after')], [429, '10']);
  assert.equal(((await third.json()) as { code: string }).code, 'rate_limited');
  const asked = await postJson(`${server.url}/code`, { repoUrl, prompt: 'x' }, bearer('key-one'));
  assert.equal(asked.status, 429);
  // No job was made that its client would not know of.
  assert.deepEqual((await server.store.list({ limit: 10, keyId: one ?? null })).length, 1);
  const others = await watch('b', 'key-two');
  assert.equal(others.status, 200);
  const page = await fetch(`${server.url}/jobs/a/events?stream=false`, { headers: bearer('key-one') });
  assert.equal(page.status, 200);

  await first?.body?.cancel();
  await until(async () => {
    const again = await watch('a', 'key-one');
    if (again.status === 200) return true;
    await again.body?.cancel();
    return false;
  });
});

test('a stream that came to its end makes room', async () => {
  await using server = await serve({ streamsPerKeyMax: 1 });
  await createRunningJob(server.store, 'a');
  await server.store.append('a', succeeded);
  for (let n = 0; n < 3; n++) {
    assert.match(await (await fetch(`${server.url}/jobs/a/events`)).text(), /"Result"/);
    const head = await fetch(`${server.url}/jobs/a/events`, { method: 'HEAD' });
    assert.equal(head.status, 200);
  }
});
