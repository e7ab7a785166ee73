import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../../server/domain/errors.ts';
import type { JobFact } from '../../../server/domain/job-event.ts';
import { createRedactor } from '../../../server/domain/redact.ts';
import { trimJobs } from '../../../server/store/trim-jobs.ts';
import { errorFact, queuedFact, queuedJob, resultFact } from '../../support/jobs.ts';
import type { Cluster } from '../../support/postgres/cluster.ts';
import { sharedCluster } from '../../support/postgres/shared.ts';
import { factsOf, openTestStore, soon } from '../../support/postgres/store.ts';

const said = (message: string): JobFact => ({ type: 'AI Message', message });
const failsWith = (code: string) => (thrown: unknown) => thrown instanceof AppError && thrown.code === code;

let cluster: Cluster;
before(async () => {
  cluster = await sharedCluster();
});

const isOpen = async (promise: Promise<unknown>): Promise<boolean> => {
  const open = Symbol('open');
  return (await Promise.race([promise, sleep(100, open)])) === open;
};

test('servers that start at once on an empty database all come up, and share its jobs', async () => {
  for (let round = 0; round < 3; round++) {
    const url = await cluster.createDatabase();
    const stores = await Promise.all([1, 2, 3, 4].map(() => openTestStore(cluster, { url })));
    await stores[0]?.create1('a');
    for (const store of stores) assert.equal((await store.find('a'))?.state, 'queued');
    for (const store of stores) await store[Symbol.asyncDispose]();
  }
});

test('events are numbered from 1 in each job and come back in order, after a cursor and up to a limit', async () => {
  await using store = await openTestStore(cluster);
  await store.create1('a');
  await store.create1('b');
  await using held = await store.claim(soon());
  for (let n = 2; n <= 5; n++) await held.append(said(`${n}`));
  const ids = async (after: number, limit: number) =>
    (await store.eventsAfter('a', after, limit)).map(({ id }) => id);
  assert.deepEqual(await ids(0, 100), [1, 2, 3, 4, 5]);
  assert.deepEqual(await ids(2, 2), [3, 4]);
  assert.deepEqual(await ids(5, 2), []);
  assert.deepEqual(await ids(99, 2), []);
  const [first = assert.fail()] = await store.eventsAfter('b', 0, 1);
  assert.deepEqual({ ...first, at: '' }, { ...queuedFact('b'), id: 1, at: '' });
  assert.match(first.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal((await store.lastEvent('a'))?.id, 5);
});

test('an event comes back as it was stored, whatever is in it', async () => {
  await using store = await openTestStore(cluster);
  await store.create1('a');
  await using held = await store.claim(soon());
  const strange = 'nul \0, half a pair \ud83d, a backslash \\u0000, \u2028 and 𝒳';
  await held.append(said(strange));
  assert.deepEqual((await factsOf(store, 'a'))[1], said(strange));
});

test('who waits for a job’s next event is woken by that event and by no other job’s, on any server', async () => {
  const url = await cluster.createDatabase();
  await using store = await openTestStore(cluster, { url });
  await using elsewhere = await openTestStore(cluster, { url, serverId: 'elsewhere' });
  await store.create1('a');
  await store.create1('b');
  const [a, b] = [await store.claim(soon()), await store.claim(soon())];
  const waiting = elsewhere.waitForEvents('a', 1, soon());
  const later = elsewhere.waitForEvents('a', 2, soon());
  await b.append(said('elsewhere'));
  assert.equal(await isOpen(waiting), true);
  await a.append(said('here'));
  await waiting;
  await elsewhere.waitForEvents('a', 1, soon());
  assert.equal(await isOpen(later), true);
  await a.append(said('there'));
  await later;
});

test('waiting ends with the signal’s reason, also when it was aborted before', async () => {
  await using store = await openTestStore(cluster);
  await store.create1('a');
  await store.claim(soon());
  const controller = new AbortController();
  const waits = [store.waitForEvents('a', 1, controller.signal), store.claim(controller.signal)];
  const reason = new Error('gone');
  setTimeout(() => controller.abort(reason), 50);
  for (const wait of waits) await assert.rejects(wait, reason);
  await assert.rejects(store.waitForEvents('a', 1, controller.signal), reason);
  await assert.rejects(store.claim(controller.signal), reason);
});

test('jobs are claimed in the order of their acceptance, each once, and are running then', async () => {
  await using store = await openTestStore(cluster);
  for (const id of ['a', 'b', 'c']) await store.create1(id);
  const claims = await Promise.all([1, 2, 3].map(() => store.claim(soon())));
  assert.deepEqual(claims.map(({ job }) => job.id).toSorted(), ['a', 'b', 'c']);
  assert.equal((await store.find('a'))?.state, 'running');
  assert.match((await store.find('a'))?.startedAt ?? '', /^20/);
});

test('who waits for a job gets it as soon as it is there', async () => {
  await using store = await openTestStore(cluster);
  const claim = store.claim(soon());
  await sleep(50);
  await store.create1('a');
  assert.equal((await claim).job.id, 'a');
});

test('a job that is cancelled in the queue ends at once and is not claimed', async () => {
  await using store = await openTestStore(cluster);
  await store.create1('a');
  await store.create1('b');
  assert.equal(await store.cancel('a', resultFact('cancelled')), true);
  assert.equal(await store.cancel('a', resultFact('cancelled')), false);
  assert.equal((await store.find('a'))?.state, 'cancelled');
  assert.deepEqual(await factsOf(store, 'a'), [queuedFact('a'), resultFact('cancelled')]);
  assert.equal((await store.claim(soon())).job.id, 'b');
});

test('whoever holds a job hears of its cancel, from whichever server it comes', async () => {
  const url = await cluster.createDatabase();
  await using store = await openTestStore(cluster, { url });
  await using web = await openTestStore(cluster, { url, isWorker: false, serverId: 'web' });
  await web.create1('a');
  await using held = await store.claim(soon());
  // It may hear of it before the one who cancels has its answer.
  const heard = new Promise((_, reject) =>
    held.signal.addEventListener('abort', () => reject(held.signal.reason)),
  );
  heard.catch(() => {});
  assert.equal(await web.cancel('a', resultFact('cancelled')), true);
  await assert.rejects(heard, failsWith('cancelled'));
  assert.equal((await store.find('a'))?.state, 'running');
});

test('a full queue takes no job and keeps nothing of it; a claimed or ended job makes room', async () => {
  await using store = await openTestStore(cluster, { queuedMax: 2 });
  await store.create1('a');
  await store.create1('b');
  await assert.rejects(store.create1('c'), failsWith('queue_full'));
  assert.equal(await store.find('c'), undefined);
  await store.claim(soon());
  await store.create1('d');
  await store.cancel('b', resultFact('cancelled'));
  await store.create1('e');
  await assert.rejects(store.create1('f'), failsWith('queue_full'));
});

test('no more jobs run than are allowed on all servers together, and of one key', async () => {
  const url = await cluster.createDatabase();
  const limits = { url, runningMax: 2, runningPerKeyMax: 1 };
  await using one = await openTestStore(cluster, limits);
  await using two = await openTestStore(cluster, { ...limits, serverId: 'two' });
  for (const [id, keyId] of [
    ['a', 'k'],
    ['b', 'k'],
    ['c', 'l'],
    ['d', 'm'],
  ] as const) {
    await one.create({ ...queuedJob(id), keyId }, queuedFact(id));
  }
  const first = await one.claim(soon());
  const second = await two.claim(soon());
  assert.deepEqual([first.job.id, second.job.id], ['a', 'c']);
  const third = one.claim(soon());
  assert.equal(await isOpen(third), true);
  await second.append(resultFact('succeeded'));
  assert.equal((await third).job.id, 'd');
  const fourth = two.claim(soon());
  await first.append(errorFact);
  assert.equal((await fourth).job.id, 'b');
});

test('jobs that wait are told their place, and again when it has changed', async () => {
  await using store = await openTestStore(cluster, { runningMax: 1 });
  for (const id of ['a', 'b', 'c']) await store.create1(id);
  const held = await store.claim(soon());
  const places = async (id: string) =>
    (await factsOf(store, id)).flatMap((fact) => (fact.type === 'Job: Waiting' ? [fact.place] : []));
  await store.waitForEvents('c', 1, soon());
  assert.deepEqual([await places('b'), await places('c')], [[1], [2]]);
  await held.append(resultFact('succeeded'));
  await store.claim(soon());
  assert.deepEqual([await places('b'), await places('c')], [[1], [2, 1]]);
});

test('the same idempotency key gives the same job, and with another request an error', async () => {
  await using store = await openTestStore(cluster);
  const ask = (id: string, requestHash: string, key = 'key') =>
    store.create(queuedJob(id), queuedFact(id), { key, requestHash });
  assert.equal((await ask('a', 'one')).id, 'a');
  assert.equal((await ask('b', 'one')).id, 'a');
  await assert.rejects(ask('c', 'two'), failsWith('idempotency_key_reused'));
  assert.equal((await ask('d', 'two', 'other')).id, 'd');
  const many = await Promise.all(['e', 'f', 'g', 'h'].map((id) => ask(id, 'three', 'third')));
  assert.equal(new Set(many.map(({ id }) => id)).size, 1);
  assert.equal((await store.list({ limit: 100 })).length, 3);
});

test('jobs are listed newest first, by key, by state and page after page', async () => {
  await using store = await openTestStore(cluster);
  for (const [index, keyId] of ['k', 'l', 'k', null].entries()) {
    await store.create({ ...queuedJob(`job-${index}`), keyId }, queuedFact(`job-${index}`));
  }
  await store.claim(soon());
  const ids = async (filter: Omit<Parameters<typeof store.list>[0], 'limit'>, limit = 10) =>
    (await store.list({ ...filter, limit })).map(({ id }) => id);
  assert.deepEqual(await ids({}), ['job-3', 'job-2', 'job-1', 'job-0']);
  assert.deepEqual(await ids({}, 2), ['job-3', 'job-2']);
  assert.deepEqual(await ids({ before: 'job-2' }), ['job-1', 'job-0']);
  assert.deepEqual(await ids({ keyId: 'k' }), ['job-2', 'job-0']);
  assert.deepEqual(await ids({ keyId: null }), ['job-3']);
  assert.deepEqual(await ids({ state: 'running' }), ['job-0']);
});

for (const [state, end] of [
  ['succeeded', resultFact('succeeded')],
  ['succeeded', resultFact('nothing_to_change')],
  ['cancelled', resultFact('cancelled')],
  ['failed', errorFact],
] as const) {
  test(`after «${'status' in end ? end.status : end.type}» a job is ${state}, and takes no event more`, async () => {
    await using store = await openTestStore(cluster);
    await store.create1('a');
    const held = await store.claim(soon());
    await held.append(end);
    await assert.rejects(held.append(said('late')), failsWith('lease_lost'));
    const job = await store.find('a');
    assert.equal(job?.state, state);
    assert.match(job?.endedAt ?? '', /^20/);
    assert.equal((await store.eventsAfter('a', 0, 100)).length, 2);
  });
}

test('a job that nobody knows is not found', async () => {
  await using store = await openTestStore(cluster);
  assert.equal(await store.find('x'), undefined);
  assert.equal(await store.lastEvent('x'), undefined);
  assert.deepEqual(await store.eventsAfter('x', 0, 1), []);
  assert.equal(await store.cancel('x', resultFact('cancelled')), false);
});

test('no secret comes out of the store in a job or an event, but the worker gets the prompt as it was sent', async () => {
  const secret = 'hunter2-hunter2-hunter2';
  await using store = await openTestStore(cluster, { redact: createRedactor([secret]).deep });
  const job = queuedJob('a');
  await store.create({ ...job, request: { ...job.request, prompt: `Use ${secret}` } }, {
    ...queuedFact('a'),
    type: 'Job: Queued',
    prompt: btoa(secret),
  } as JobFact);
  const held = await store.claim(soon());
  await held.append(said(`It is ${encodeURIComponent(secret)}`));
  const events = await store.database.query('SELECT fact FROM events');
  const seen = JSON.stringify([await store.find('a'), await store.list({ limit: 1 }), events]);
  assert.deepEqual(seen.match(/\[redacted\]/g)?.length, 4);
  assert.ok(!seen.includes(secret) && !seen.includes(btoa(secret).slice(0, 20)));
  assert.equal(held.job.request.prompt, `Use ${secret}`);
});

test('what an old job has left is removed, its end is kept, and who asks for more hears of the gap', async () => {
  await using store = await openTestStore(cluster);
  for (const id of ['old', 'young', 'running']) await store.create1(id);
  const [old, young, running] = [
    await store.claim(soon()),
    await store.claim(soon()),
    await store.claim(soon()),
  ];
  const file = {
    path: 'a',
    mode: '100644' as const,
    blobId: 'b'.repeat(40),
    size: 1,
    content: Buffer.from('a'),
  };
  for (const held of [old, young, running]) {
    await held.append(said('hello'));
    await held.save({ kind: 'note', text: 'hm' });
    await held.once('base', async () => 1);
    await held.ownSandbox(held.job.id);
    await held.checkpoints.save({ files: [file], deleted: [], base: [] });
  }
  await old.append(resultFact('succeeded'));
  await young.append(resultFact('succeeded'));
  await store.database.query("UPDATE jobs SET ended_at = now() - interval '2 days' WHERE id = 'old'");

  assert.equal(await trimJobs(store.database, 86_400), 1);
  assert.equal(await trimJobs(store.database, 86_400), 0);
  assert.deepEqual(await factsOf(store, 'old'), [
    { type: 'Stream: Gap', from: 1, to: 2 },
    resultFact('succeeded'),
  ]);
  assert.deepEqual(
    (await store.eventsAfter('old', 1, 10)).map(({ id, type }) => `${id} ${type}`),
    ['2 Stream: Gap', '3 Result'],
  );
  assert.equal((await store.find('old'))?.state, 'succeeded');
  assert.equal(await store.checkpoint('old'), undefined);
  assert.notEqual(await store.checkpoint('young'), undefined);
  assert.notEqual(await store.checkpoint('running'), undefined);
  const left = await store.database.query(
    `SELECT 'transcript' AS t FROM transcript WHERE job_id = 'old' UNION ALL SELECT 'milestone' FROM milestones WHERE job_id = 'old'
     UNION ALL SELECT 'blob' FROM checkpoint_blobs WHERE job_id = 'old' UNION ALL SELECT 'sandbox' FROM sandboxes WHERE job_id = 'old'`,
  );
  assert.deepEqual(left, []);
});
