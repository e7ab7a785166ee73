import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BenchOptions,
  createBench,
  exchange,
  limits,
  openTunnel,
} from '../../../support/egress-bench.ts';
import { denial, github, hasRoomFor, hello, startUpstream, told } from '../../../support/egress-upstream.ts';

test('a connection is given back once, as soon as it is not used, whatever became of it', async () => {
  const uses: [string, BenchOptions, Buffer][] = [
    ['served', {}, hello],
    ['refused by its greeting', {}, Buffer.from('SSH-2.0')],
    ['refused by its address', { answers: [['10.0.0.1']] }, hello],
    ['without an address', { answers: [[]] }, hello],
    ['not reached', { dial: () => Promise.reject(new Error('refused')) }, hello],
  ];
  for (const [what, options, said] of uses) {
    const bench = createBench({ ...options, limits: { ...limits, connectionsMax: 1 } });
    const given = new AbortController();
    const use = async () => {
      const body = new PassThrough().end(said);
      const response = await bench.egress.connect({ authority: github, body, signal: given.signal });
      await Array.fromAsync(response.body);
      await sleep(5);
      return response.status;
    };
    const first = await use();
    assert.deepEqual([await use(), await use()], [first, first], what);
    given.abort();
    if (first === 200) assert.equal(await hasRoomFor(bench, 2), false, what);
  }
});

test('a tunnel whose body nobody reads is given back when the client is gone', async () => {
  const bench = createBench({ limits: { ...limits, connectionsMax: 1 } });
  const given = new AbortController();
  await bench.egress.connect({ authority: github, body: new PassThrough(), signal: given.signal });
  assert.equal(await hasRoomFor(bench, 1), false);
  given.abort();
  assert.equal(await hasRoomFor(bench, 1), true);
});

test('no more connections are open at once than the limit says', async () => {
  const bench = createBench({ limits: { ...limits, connectionsMax: 2 } });
  const open = [await openTunnel(bench.egress, github), await openTunnel(bench.egress, github)];
  const third = await exchange(bench.egress, github, hello);
  assert.deepEqual(
    { statuses: [...open.map(({ status }) => status), third.status], denied: bench.denied },
    {
      statuses: [200, 200, 429],
      denied: [denial('The job has 2 connections open.', 'Raise the limits for egress on the server.')],
    },
  );
  for (const { leave } of open) leave();
  assert.ok(await hasRoomFor(bench, 2));
});

test('a job opens no more connections in all than the limit says', async () => {
  const bench = createBench({ limits: { ...limits, connectionsTotalMax: 3 } });
  const statuses: number[] = [];
  for (let count = 0; count < 5; count += 1) {
    statuses.push((await exchange(bench.egress, github, hello)).status);
  }
  assert.deepEqual(
    { statuses, dialled: bench.dialled.length, denied: bench.denied },
    {
      statuses: [200, 200, 200, 429, 429],
      dialled: 3,
      denied: [denial('The job has opened 3 connections.', 'Raise the limits for egress on the server.')],
    },
  );
});

test('a job sends no more bytes than the limit says, over all its tunnels', async () => {
  let received = 0;
  await using upstream = await startUpstream((socket) => {
    socket.on('data', (piece) => {
      received += piece.length;
    });
    socket.once('end', () => socket.end());
  });
  const bytesUpMax = 2 * hello.length + 50_000;
  const bench = createBench({ dial: upstream.dial, limits: { ...limits, bytesUpMax } });
  const send = async (bytes: number) => {
    const { status, client } = await openTunnel(bench.egress, github);
    client.write(hello);
    client.end(Buffer.alloc(bytes));
    return {
      status,
      broke: await told(client).then(
        () => false,
        () => true,
      ),
    };
  };
  assert.deepEqual(await send(30_000), { status: 200, broke: false });
  assert.deepEqual(await send(30_000), { status: 200, broke: true });
  assert.equal((await exchange(bench.egress, github, hello)).status, 429);
  assert.ok(received <= bytesUpMax, `${received} bytes were sent`);
  assert.deepEqual(bench.denied, [
    denial(`The job has sent more than ${bytesUpMax} bytes.`, 'Raise the limits for egress on the server.'),
  ]);
});

test('a job receives no more bytes than the limit says, over all its tunnels', async () => {
  await using upstream = await startUpstream((socket) => socket.end(Buffer.alloc(30_000)));
  const bench = createBench({ dial: upstream.dial, limits: { ...limits, bytesDownMax: 50_000 } });
  assert.equal((await exchange(bench.egress, github, hello)).told.length, 30_000);
  await assert.rejects(exchange(bench.egress, github, hello));
  assert.equal((await exchange(bench.egress, github, hello)).status, 429);
  assert.deepEqual(bench.denied, [
    denial('The job has received more than 50000 bytes.', 'Raise the limits for egress on the server.'),
  ]);
});

test('the same refusal is told once and counted, and of different ones only the first hundred are told', async () => {
  const bench = createBench();
  for (let count = 0; count < 3; count += 1) await exchange(bench.egress, 'evil.example:443', hello);
  for (let count = 0; count < 150; count += 1)
    await exchange(bench.egress, `host${count}.example:443`, hello);
  const { total, distinct } = bench.egress.denials();
  assert.deepEqual(
    { told: bench.denied.length, total, distinct: distinct.length, first: distinct[0] },
    {
      told: 100,
      total: 153,
      distinct: 100,
      first: {
        host: 'evil.example',
        port: 443,
        reason: 'The host is not allowed.',
        howToAllow: 'Add evil.example to EGRESS_ALLOW on the server.',
        count: 3,
      },
    },
  );
});
