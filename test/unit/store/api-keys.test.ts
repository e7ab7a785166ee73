import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, test } from 'node:test';
import { AppError } from '../../../server/domain/errors.ts';
import { createApiKeys } from '../../../server/store/api-keys.ts';
import type { Database } from '../../../server/store/database.ts';
import { migrate } from '../../../server/store/migrate.ts';
import { openPGlite } from '../../../server/store/pglite.ts';
import { openStore } from '../../../server/store/store.ts';
import { queuedFact, queuedJob, recordingLog, resultFact } from '../../support/jobs.ts';
import type { Cluster } from '../../support/postgres/cluster.ts';
import { sharedCluster } from '../../support/postgres/shared.ts';
import {
  openTestDatabase,
  openTestStore,
  soon,
  storeSettings,
  type TestStore,
} from '../../support/postgres/store.ts';

const unlimited = { runningMax: null, jobsPerHourMax: null, repositories: null };
const failsWith = (code: string) => (thrown: unknown) => thrown instanceof AppError && thrown.code === code;

let cluster: Cluster;
before(async () => {
  cluster = await sharedCluster();
});

const databases: [name: string, open: () => Promise<Database>][] = [
  ['PostgreSQL', async () => openTestDatabase(await cluster.createDatabase())],
  [
    'PGlite',
    async () => {
      const directory = await mkdtemp(path.join(tmpdir(), 'keys-'));
      const database = await openPGlite(directory);
      return {
        ...database,
        async [Symbol.asyncDispose]() {
          await database[Symbol.asyncDispose]();
          await rm(directory, { recursive: true, force: true });
        },
      };
    },
  ],
];

const openDatabaseOf = (wanted: string): Promise<Database> =>
  databases.find(([name]) => name === wanted)?.[1]() ?? assert.fail(wanted);

for (const [name, open] of databases) {
  test(`${name} has the digest of a key and not the key, until it is revoked and after`, async () => {
    await using database = await open();
    await migrate(database);
    const keys = createApiKeys(database);
    assert.deepEqual(await keys.list(), []);
    const limits = { runningMax: 3, jobsPerHourMax: 20, repositories: ['octo/books', 'acme/*'] };
    const one = (await keys.add({ name: 'one', ...limits })) ?? assert.fail();
    const two = (await keys.add({ name: 'two', ...unlimited })) ?? assert.fail();
    assert.equal(await keys.add({ name: 'one', ...unlimited }), undefined);
    assert.deepEqual(
      [await keys.revoke('two'), await keys.revoke('two'), await keys.revoke('three')],
      [...[true, false, false]],
    );
    const again = (await keys.add({ name: 'two', ...unlimited })) ?? assert.fail();

    const all = await keys.list();
    const told = all.map(({ createdAt, revokedAt, digest, ...key }) => {
      assert.match(createdAt, /^20.*Z$/);
      return { ...key, digest: Buffer.from(digest).toString('hex'), isRevoked: revokedAt !== null };
    });
    const expected = (text: string) => ({
      id: text.split('_')[1],
      digest: createHash('sha256').update(text).digest('hex'),
    });
    assert.deepEqual(told, [
      { name: 'one', ...limits, ...expected(one), isRevoked: false },
      { name: 'two', ...unlimited, ...expected(two), isRevoked: true },
      { name: 'two', ...unlimited, ...expected(again), isRevoked: false },
    ]);
    const stored = JSON.stringify(
      await database.query('SELECT *, encode(digest, $1) FROM api_keys', ['escape']),
    );
    for (const text of [one, two, again]) assert.ok(!stored.includes(text.split('_')[2] ?? assert.fail()));
  });
}

const addKey = async (
  store: TestStore,
  name: string,
  limits: Partial<Record<'runningMax' | 'jobsPerHourMax', number>>,
) => {
  const text = await createApiKeys(store.database).add({ name, ...unlimited, ...limits });
  return text?.split('_')[1] ?? assert.fail();
};

const now = () => new Date().toISOString();

const ask = (store: TestStore, id: string, keyId: string | null, more: { createdAt?: string } = {}) =>
  store.create({ ...queuedJob(id), createdAt: now(), keyId, ...more }, queuedFact(id));

test('a key asks for no more jobs in an hour than it may, on however many servers at once', async () => {
  const url = await cluster.createDatabase();
  await using one = await openTestStore(cluster, { url });
  await using two = await openTestStore(cluster, { url, serverId: 'two' });
  const keyId = await addKey(one, 'one', { jobsPerHourMax: 5 });
  const answers = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) => ask(n % 2 ? one : two, `job-${n}`, keyId)),
  );
  assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 5);
  for (const answer of answers) {
    if (answer.status === 'rejected') assert.ok(failsWith('rate_limited')(answer.reason), `${answer.reason}`);
  }
  assert.equal((await one.list({ limit: 100 })).length, 5);
});

test('a job counts for an hour, and the refusal says when the oldest that counts is that old', async () => {
  await using store = await openTestStore(cluster, { jobsPerHourMax: 2 });
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  await ask(store, 'long ago', 'k', { createdAt: minutesAgo(61) });
  await ask(store, 'a', 'k', { createdAt: minutesAgo(50) });
  await ask(store, 'b', 'k', { createdAt: minutesAgo(20) });
  await assert.rejects(ask(store, 'c', 'k'), (error: AppError) => {
    assert.equal(error.code, 'rate_limited');
    assert.ok(Math.abs((error.retryAfterSeconds ?? 0) - 600) < 20, `${error.retryAfterSeconds}`);
    return true;
  });
  // Cancelled ones count as well, or asking and cancelling would go on for ever.
  await store.cancel('b', resultFact('cancelled'));
  await assert.rejects(ask(store, 'c', 'k'), failsWith('rate_limited'));
  await ask(store, 'd', 'another');
  await ask(store, 'e', null);
  await ask(store, 'f', null);
  await assert.rejects(ask(store, 'g', null), failsWith('rate_limited'));
});

test('a key’s own number of jobs in an hour goes before the one for all', async () => {
  await using store = await openTestStore(cluster, { jobsPerHourMax: 1 });
  const more = await addKey(store, 'more', { jobsPerHourMax: 3 });
  for (const id of ['a', 'b', 'c']) await ask(store, id, more);
  await assert.rejects(ask(store, 'd', more), failsWith('rate_limited'));
});

test('a request that is repeated with its idempotency key counts once', async () => {
  await using store = await openTestStore(cluster, { jobsPerHourMax: 1 });
  const again = (id: string) =>
    store.create({ ...queuedJob(id), createdAt: now() }, queuedFact(id), { key: 'key', requestHash: 'one' });
  const ids = await Promise.all(['a', 'b', 'c', 'd'].map(async (id) => (await again(id)).id));
  assert.equal(new Set(ids).size, 1);
  await assert.rejects(ask(store, 'e', null), failsWith('rate_limited'));
});

test('a key that was revoked meanwhile gets no job', async () => {
  await using store = await openTestStore(cluster);
  const keyId = await addKey(store, 'one', {});
  await ask(store, 'a', keyId);
  await createApiKeys(store.database).revoke('one');
  await assert.rejects(ask(store, 'b', keyId), failsWith('unauthorized'));
  assert.equal(await store.find('b'), undefined);
});

test('of each key as many jobs run as it may itself, and of the others as many as all may', async () => {
  const url = await cluster.createDatabase();
  const limits = { url, runningPerKeyMax: 2 };
  await using one = await openTestStore(cluster, limits);
  await using two = await openTestStore(cluster, { ...limits, serverId: 'two' });
  const narrow = await addKey(one, 'narrow', { runningMax: 1 });
  const wide = await addKey(one, 'wide', { runningMax: 3 });
  const plain = await addKey(one, 'plain', {});
  for (let n = 1; n <= 4; n++) {
    await ask(one, `narrow-${n}`, narrow);
    await ask(one, `wide-${n}`, wide);
    await ask(one, `plain-${n}`, plain);
    await ask(one, `setting-${n}`, 'setting-0');
  }
  const running = [];
  for (let n = 0; n < 8; n++) running.push(await (n % 2 ? one : two).claim(soon()));
  assert.deepEqual(running.map(({ job }) => job.id).toSorted(), [
    ...['narrow-1', 'plain-1', 'plain-2', 'setting-1', 'setting-2', 'wide-1', 'wide-2', 'wide-3'],
  ]);
  await assert.rejects(two.claim(AbortSignal.timeout(1500)));
  await running.find(({ job }) => job.id === 'narrow-1')?.append(resultFact('succeeded'));
  assert.equal((await two.claim(soon())).job.id, 'narrow-2');
});

test('PGlite keeps the limits of a key as well', async () => {
  await using database = await openDatabaseOf('PGlite');
  const log = recordingLog();
  await using store = await openStore(database, { ...storeSettings, redact: (value) => value, log });
  const claims = await store.openClaims({ serverId: 'server', processId: 'process' });
  const limits = { runningMax: 1, jobsPerHourMax: 3, repositories: null };
  const text = await createApiKeys(database).add({ name: 'narrow', ...limits });
  const keyId = text?.split('_')[1] ?? assert.fail();
  const create = (id: string, owner: string | null) =>
    store.create({ ...queuedJob(id), createdAt: now(), keyId: owner }, queuedFact(id));
  for (const id of ['a', 'b', 'c']) await create(id, keyId);
  await assert.rejects(create('d', keyId), failsWith('rate_limited'));
  await create('e', null);
  const claimed = [await claims.claim(soon()), await claims.claim(soon())];
  assert.deepEqual(
    claimed.map(({ job }) => job.id),
    ['a', 'e'],
  );
  await assert.rejects(claims.claim(AbortSignal.timeout(1500)));
});
