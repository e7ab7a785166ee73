import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAway } from '../../../server/store/patience.ts';
import { sharedCluster } from '../../support/postgres/shared.ts';
import { openTestDatabase } from '../../support/postgres/store.ts';

test('a server that falls asleep within a transaction does not keep its locks from the others', async () => {
  const cluster = await sharedCluster();
  const url = await cluster.createDatabase();
  await using sleeper = openTestDatabase(url, 300);
  await using other = openTestDatabase(url);
  const { promise: locked, resolve: onLocked } = Promise.withResolvers<void>();
  const { promise: awake, resolve: wake } = Promise.withResolvers<void>();
  const lock = 'SELECT pg_advisory_xact_lock(7)';

  const sleeping = sleeper.transaction(async (sql) => {
    await sql.query(lock);
    onLocked();
    await awake;
    return sql.query('SELECT 1');
  });
  sleeping.catch(() => {});
  await locked;
  // Waits for as long as the sleeper holds it: the statement's own limit would end it with an error.
  await other.transaction((sql) => sql.query(lock));
  // Its connection has heard of the end before it says anything itself, as after a real sleep.
  await sleep(100);
  wake();
  await assert.rejects(sleeping, (thrown) => isAway(thrown));
  assert.deepEqual(await sleeper.query('SELECT 1 AS one'), [{ one: 1 }]);
});
