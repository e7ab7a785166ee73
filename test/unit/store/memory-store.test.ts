import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { AppError } from '../../../server/domain/errors.ts';
import type { JobFact } from '../../../server/domain/job-event.ts';
import { createRedactor } from '../../../server/domain/redact.ts';
import { createMemoryStore } from '../../../server/store/memory-store.ts';
import { createRedactingStore } from '../../../server/store/redacting-store.ts';
import { errorFact, queuedFact, queuedJob, resultFact } from '../../support/jobs.ts';

const said = (message: string): JobFact => ({ type: 'AI Message', message });
const soon = () => AbortSignal.timeout(5_000);

const open = (limits: { queuedMax?: number; jobsKeptMax?: number } = {}) => {
  const store = createMemoryStore({ queuedMax: 10, jobsKeptMax: 10, ...limits });
  const create = (id: string) => store.create(queuedJob(id), queuedFact(id));
  const claimed = async () => (await store.claim(soon())).id;
  return { ...store, create, claimed };
};

const failsWith = (code: string, message: RegExp) => (thrown: unknown) =>
  thrown instanceof AppError && thrown.code === code && message.test(thrown.message);

/** Whether a promise is settled by now. */
const isOpen = async (promise: Promise<unknown>): Promise<boolean> => {
  const open = Symbol('open');
  await setImmediate();
  return (await Promise.race([promise, Promise.resolve(open)])) === open;
};

test('events are numbered from 1 in each job and come back in order, after a cursor and up to a limit', async () => {
  const store = open();
  await store.create('a');
  await store.create('b');
  for (let n = 2; n <= 5; n++) await store.append('a', said(`${n}`));
  const ids = async (after: number, limit: number) =>
    (await store.eventsAfter('a', after, limit)).map(({ id }) => id);
  assert.deepEqual(await ids(0, 100), [1, 2, 3, 4, 5]);
  assert.deepEqual(await ids(2, 2), [3, 4]);
  assert.deepEqual(await ids(5, 2), []);
  assert.deepEqual(await ids(99, 2), []);
  const [first = assert.fail(), ...others] = await store.eventsAfter('b', 0, 100);
  assert.deepEqual({ ...first, at: '' }, { ...queuedFact('b'), id: 1, at: '' });
  assert.match(first.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(others, []);
});

test('an appended event comes back as it was stored', async () => {
  const store = open();
  await store.create('a');
  const event = await store.append('a', said('hello'));
  assert.deepEqual(await store.eventsAfter('a', 1, 10), [event]);
});

test('who waits for a job’s next event is woken by that event and by no other job’s', async () => {
  const store = open();
  await store.create('a');
  await store.create('b');
  const waiting = store.waitForEvents('a', 1, soon());
  await store.append('b', said('elsewhere'));
  assert.equal(await isOpen(waiting), true);
  await store.append('a', said('here'));
  await waiting;
  await store.waitForEvents('a', 1, soon());
});

test('all who wait are woken, each only by an event behind its own cursor', async () => {
  const store = open();
  await store.create('a');
  const [first, second, later] = [1, 1, 2].map((after) => store.waitForEvents('a', after, soon()));
  await store.append('a', said('two'));
  await Promise.all([first, second]);
  assert.equal(await isOpen(later ?? assert.fail()), true);
  await store.append('a', said('three'));
  await later;
});

test('waiting ends with the signal’s reason, also when it was aborted before', async () => {
  const store = open();
  await store.create('a');
  await store.claim(soon());
  const controller = new AbortController();
  const waits = [store.waitForEvents('a', 1, controller.signal), store.claim(controller.signal)];
  const reason = new Error('gone');
  controller.abort(reason);
  for (const wait of waits) await assert.rejects(wait, reason);
  await assert.rejects(store.waitForEvents('a', 1, controller.signal), reason);
  await assert.rejects(store.claim(controller.signal), reason);
});

test('jobs are claimed in the order of their creation, each once, and are running then', async () => {
  const store = open();
  for (const id of ['a', 'b', 'c']) await store.create(id);
  assert.deepEqual(await Promise.all([store.claimed(), store.claimed(), store.claimed()]), ['a', 'b', 'c']);
  assert.deepEqual(await store.find('a'), { ...queuedJob('a'), state: 'running' });
});

test('of many who wait for a job one gets it', async () => {
  const store = open();
  const claims = [store.claimed(), store.claimed()];
  await store.create('a');
  const first = await Promise.race(claims);
  await store.create('b');
  assert.deepEqual([first, await Promise.all(claims)], ['a', ['a', 'b']]);
});

test('a job that was cancelled in the queue is not claimed', async () => {
  const store = open();
  await store.create('a');
  await store.create('b');
  await store.append('a', resultFact('cancelled'));
  assert.equal(await store.claimed(), 'b');
});

test('a full queue takes no job and keeps nothing of it; a claimed or ended job makes room', async () => {
  const store = open({ queuedMax: 2 });
  await store.create('a');
  await store.create('b');
  await assert.rejects(store.create('c'), failsWith('queue_full', /^2 jobs wait already/));
  assert.equal(await store.find('c'), undefined);
  await store.claimed();
  await store.create('d');
  await store.append('b', resultFact('cancelled'));
  await store.create('e');
  await assert.rejects(store.create('f'), failsWith('queue_full', /2 jobs/));
});

for (const [state, end] of [
  ['succeeded', resultFact('succeeded')],
  ['succeeded', resultFact('nothing_to_change')],
  ['cancelled', resultFact('cancelled')],
  ['failed', errorFact],
] as const) {
  test(`after its end a ${state} job takes no event and stores none`, async () => {
    const store = open();
    await store.create('a');
    await store.claimed();
    await store.append('a', end);
    for (const late of [said('late'), resultFact('succeeded'), errorFact]) {
      await assert.rejects(store.append('a', late), failsWith('internal', /has ended/));
    }
    assert.equal((await store.find('a'))?.state, state);
    assert.equal((await store.eventsAfter('a', 0, 100)).length, 2);
  });
}

test('a job that never ran cannot succeed, and the event that says so is not stored', async () => {
  const store = open();
  await store.create('a');
  await assert.rejects(
    store.append('a', resultFact('succeeded')),
    failsWith('internal', /queued job cannot/),
  );
  assert.equal((await store.eventsAfter('a', 0, 100)).length, 1);
  assert.equal(await store.claimed(), 'a');
});

test('ended jobs are forgotten, the oldest first; queued and running ones never are', async () => {
  const store = open({ jobsKeptMax: 2 });
  await store.create('running');
  await store.claimed();
  for (const id of ['a', 'b']) {
    await store.create(id);
    await store.append(id, resultFact('cancelled'));
  }
  await store.create('queued');
  const kept = await Promise.all(['running', 'a', 'b', 'queued'].map((id) => store.find(id)));
  assert.deepEqual(
    kept.map((job) => job?.id),
    ['running', undefined, undefined, 'queued'],
  );
});

test('a job that nobody knows is not found', async () => {
  const store = open();
  assert.equal(await store.find('x'), undefined);
  await assert.rejects(store.append('x', said('x')), failsWith('not_found', /no job x/));
  await assert.rejects(store.eventsAfter('x', 0, 1), failsWith('not_found', /no job x/));
  await assert.rejects(store.waitForEvents('x', 0, soon()), failsWith('not_found', /no job x/));
});

test('no secret comes out of the store in a job or an event, but the worker gets the prompt as it was sent', async () => {
  const secret = 'hunter2-hunter2-hunter2';
  const inner = createMemoryStore({ queuedMax: 1, jobsKeptMax: 1 });
  const store = createRedactingStore(inner, createRedactor([secret]));
  const job = queuedJob('a');
  await store.create({ ...job, request: { ...job.request, prompt: `Use ${secret}` } }, {
    ...queuedFact('a'),
    type: 'Job: Queued',
    prompt: btoa(secret),
  } as JobFact);
  await store.append('a', said(`It is ${encodeURIComponent(secret)}`));
  const stored = JSON.stringify([await store.find('a'), await inner.eventsAfter('a', 0, 10)]);
  assert.deepEqual(stored.match(/\[redacted\]/g)?.length, 3);
  assert.ok(!stored.includes(secret) && !stored.includes(btoa(secret).slice(0, 20)));
  assert.equal((await store.claim(soon())).request.prompt, `Use ${secret}`);
});
