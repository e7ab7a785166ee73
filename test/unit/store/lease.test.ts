import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { AppError } from '../../../server/domain/errors.ts';
import type { HeldJob } from '../../../server/domain/job.ts';
import type { JobFact } from '../../../server/domain/job-event.ts';
import type { ModelReply } from '../../../server/domain/model.ts';
import { queuedFact, resultFact } from '../../support/jobs.ts';
import type { Cluster } from '../../support/postgres/cluster.ts';
import { sharedCluster } from '../../support/postgres/shared.ts';
import { factsOf, openTestStore, soon, type TestStore } from '../../support/postgres/store.ts';

const said = (message: string): JobFact => ({ type: 'AI Message', message });
const isLost = (thrown: unknown) => thrown instanceof AppError && thrown.code === 'lease_lost';
const usage = {
  inputTokens: 1,
  outputTokens: 1,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  costUsd: 'unknown' as const,
};
const reply: ModelReply = { content: [{ type: 'text', text: 'Hm.' }], stopReason: 'end_turn', usage };

let cluster: Cluster;
before(async () => {
  cluster = await sharedCluster();
});

/** A server that dies: its store is left as it is, and another process of the same server takes its place. */
const startAgain = (url: string) => openTestStore(cluster, { url });

const begin = async (): Promise<{ url: string; store: TestStore; held: HeldJob }> => {
  const url = await cluster.createDatabase();
  const store = await openTestStore(cluster, { url });
  await store.create1('a');
  return { url, store, held: await store.claim(soon()) };
};

test('a job whose server was killed goes on with all that was stored, in the next process of that server', async () => {
  const { url, store, held } = await begin();
  await held.append({ type: 'Job: Started', jobId: 'a' });
  assert.deepEqual(await held.once('base', async () => ({ commit: 'c' })), { commit: 'c' });
  await held.save({ kind: 'reply', reply });
  const result = { type: 'tool_result' as const, toolUseId: 't', content: 'x', isError: false };
  await held.save({ kind: 'result', result }, said('told'));
  await held.append(said('half a reply'));
  await held.append({ type: 'Tool: Output', output: 'much', callId: 't' });
  const content = Buffer.from('new');
  const file = { path: 'ä b', mode: '100755' as const, blobId: 'b'.repeat(40), size: 3 };
  const base = [
    { path: 'old', mode: '100644' as const, blobId: 'd'.repeat(40), content: Buffer.from('old') },
  ];
  await held.checkpoints.save({ files: [{ ...file, content }], deleted: ['old'], base });
  await held.keepSandbox('container');

  await using next = await startAgain(url);
  await using again = await next.claim(soon());
  assert.deepEqual(
    {
      earlier: again.earlier,
      unfinished: again.unfinished,
      told: again.told.map(({ type }) => type),
      claims: again.earlierClaims,
      deaths: again.deaths,
      wasHandedOver: again.wasHandedOver,
      sandbox: again.sandbox,
      base: await again.once('base', () => assert.fail('it is known')),
      checkpoint: await again.checkpoints.load(),
    },
    {
      earlier: [
        { kind: 'reply', reply },
        { kind: 'result', result },
      ],
      unfinished: [said('half a reply')],
      told: ['Job: Queued', 'Job: Started', 'AI Message', 'AI Message'],
      claims: 1,
      deaths: 1,
      wasHandedOver: false,
      sandbox: 'container',
      base: { commit: 'c' },
      checkpoint: { files: [{ ...file, content }], deleted: ['old'], base },
    },
  );
  await again.append(said('on'));
  assert.deepEqual(
    (await next.eventsAfter('a', 0, 100)).map(({ id }) => id),
    [1, 2, 3, 4, 5, 6],
  );
  await store[Symbol.asyncDispose]();
});

describe('a worker that slept past its lease', () => {
  const writes: Record<string, (held: HeldJob) => Promise<unknown>> = {
    'an event': (held) => held.append(said('late')),
    'its end': (held) => held.append(resultFact('succeeded')),
    'a turn': (held) => held.save({ kind: 'reply', reply }),
    'a milestone': (held) => held.once('late', async () => 1),
    'a checkpoint': (held) => held.checkpoints.save({ files: [], deleted: [], base: [] }),
    'its sandbox': (held) => held.keepSandbox('late'),
    'a new sandbox': (held) => held.ownSandbox('late'),
    'a release': (held) => held.release(),
    'nothing, and asks before it writes elsewhere': (held) => held.check(),
  };
  for (const [what, write] of Object.entries(writes)) {
    test(`writes ${what}, and it is refused`, async () => {
      const { url, store, held } = await begin();
      await using next = await startAgain(url);
      await using again = await next.claim(soon());
      await assert.rejects(write(held), isLost);
      assert.equal(held.signal.reason?.code, 'lease_lost');
      assert.deepEqual(await factsOf(next, 'a'), [queuedFact('a')]);
      assert.equal((await next.find('a'))?.state, 'running');
      assert.equal(
        await next.sandboxUse({ containerId: 'late', jobId: 'spare', processId: 'any' }),
        'unknown',
      );
      await again.append(said('mine'));
      await store[Symbol.asyncDispose]();
    });
  }
});

test('a job is not taken from a server that lives, by another one that starts', async () => {
  const { url, store, held } = await begin();
  await using other = await openTestStore(cluster, { url, serverId: 'other' });
  await assert.rejects(other.claim(AbortSignal.timeout(500)));
  await held.append(said('mine'));
  await store[Symbol.asyncDispose]();
});

test('a job that was given back counts no death, and one whose servers die at one turn counts each', async () => {
  const { url, store, held } = await begin();
  const stores = [store];
  const claimAgain = async () => {
    const next = await startAgain(url);
    stores.push(next);
    return next.claim(soon());
  };
  await held.release();
  const seen: { deaths: number; wasHandedOver: boolean }[] = [];
  let current = await stores[0]?.claim(soon());
  seen.push({ deaths: current?.deaths ?? -1, wasHandedOver: current?.wasHandedOver ?? false });
  for (const turn of [false, false, true, false]) {
    if (turn) await current?.save({ kind: 'reply', reply });
    current = await claimAgain();
    seen.push({ deaths: current.deaths, wasHandedOver: current.wasHandedOver });
  }
  assert.deepEqual(seen, [
    { deaths: 0, wasHandedOver: true },
    { deaths: 1, wasHandedOver: false },
    { deaths: 2, wasHandedOver: false },
    { deaths: 1, wasHandedOver: false },
    { deaths: 2, wasHandedOver: false },
  ]);
  for (const one of stores) await one[Symbol.asyncDispose]();
});

test('what a container is to the store is known from the start of the sandbox to the end of the job', async () => {
  const { url, store, held } = await begin();
  const use = async (...ids: string[]) =>
    Promise.all(
      ids.map((containerId) => store.sandboxUse({ containerId, jobId: 'spare', processId: 'any' })),
    );
  const starting = (processId: string) =>
    store.sandboxUse({ containerId: 'starting', jobId: 'a', processId });
  const [{ process_id: holder } = { process_id: '' }] = await store.database.query<{ process_id: string }>(
    'SELECT process_id FROM jobs',
  );
  assert.deepEqual([await starting(holder), await starting('another')], ['wanted', 'over']);
  await held.ownSandbox('one');
  assert.deepEqual(await use('one', 'two'), ['wanted', 'unknown']);
  await held.keepSandbox('one');
  await held.ownSandbox('two');
  assert.deepEqual(await use('one', 'two'), ['wanted', 'wanted']);
  await using next = await startAgain(url);
  await using again = await next.claim(soon());
  assert.deepEqual(await use('one', 'two'), ['wanted', 'over']);
  assert.equal(await starting(holder), 'over');
  await again.append(resultFact('succeeded'));
  assert.deepEqual(await use('one', 'two'), ['over', 'over']);
  await store[Symbol.asyncDispose]();
});

test('while the database is away writes wait, new jobs are refused at once, and nothing is lost or doubled', async () => {
  const { store, held } = await begin();
  await cluster.kill();
  const waiting = [held.append(said('one')), held.append(said('two'))];
  await assert.rejects(
    store.create1('b'),
    (thrown) => thrown instanceof AppError && thrown.code === 'store_unavailable',
  );
  const watcher = store.waitForEvents('a', 2, AbortSignal.timeout(30_000));
  await cluster.start();
  await Promise.all(waiting);
  await watcher;
  assert.deepEqual(await factsOf(store, 'a'), [queuedFact('a'), said('one'), said('two')]);
  await store.create1('b');
  await store[Symbol.asyncDispose]();
});

test('a job goes on whatever stands in what was told and said: NUL, half a character', async () => {
  const { url, store, held } = await begin();
  const strange = 'a\0b \ud83d \\u0000';
  const result = { type: 'tool_result' as const, toolUseId: 't', content: strange, isError: false };
  await held.save({ kind: 'reply', reply: { ...reply, content: [{ type: 'text', text: strange }] } });
  await held.save({ kind: 'result', result }, said(strange));
  await held.append({ type: 'Tool: Output', output: strange, callId: 't' });
  await using next = await startAgain(url);
  await using again = await next.claim(soon());
  assert.deepEqual(again.earlier.at(-1), { kind: 'result', result });
  assert.deepEqual(again.told.at(-1)?.type, 'AI Message');
  await store[Symbol.asyncDispose]();
});

test('a process that claims a job once more which it holds already goes on as its one holder', async () => {
  const { url, store, held } = await begin();
  // As if the queue had not heard of it for too long.
  await store.database.query(`UPDATE queue.job SET heartbeat_on = now() - interval '1 minute'`);
  await using again = await store.claim(soon());
  assert.equal(held.signal.reason?.code, 'lease_lost');
  await held[Symbol.asyncDispose]();
  assert.equal(await store.cancel('a', resultFact('cancelled')), true);
  if (!again.signal.aborted) {
    await new Promise((resolve) => again.signal.addEventListener('abort', resolve, { once: true }));
  }
  assert.equal(again.signal.reason.code, 'cancelled');
  await assert.rejects(again.check(), (thrown) => thrown instanceof AppError && thrown.code === 'cancelled');
  assert.ok(url);
  await store[Symbol.asyncDispose]();
});
