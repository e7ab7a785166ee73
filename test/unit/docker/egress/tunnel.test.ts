import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import {
  allowing,
  createBench,
  exchange,
  limits,
  openTunnel,
  publicAddress,
} from '../../../support/egress-bench.ts';
import { denial, github, hello, startUpstream, told } from '../../../support/egress-upstream.ts';
import { buildClientHello } from '../../../support/tls-client-hello.ts';
import { startTlsServer } from '../../../support/tls-server.ts';

const accessDenied = Buffer.from([21, 3, 1, 0, 2, 2, 49]);
const internalError = Buffer.from([21, 3, 1, 0, 2, 2, 80]);

test('a client speaks TLS with an allowed host, end to end, on the checked address', async () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    await using server = await startTlsServer('github.com', (socket) =>
      socket.end(`for ${socket.servername}`),
    );
    const bench = createBench({ dial: server.dial });
    const { status, client, leave } = await openTunnel(bench.egress, 'GitHub.com.:443');
    const secure = tls.connect({
      socket: client,
      servername: 'github.com',
      ca: server.certificate,
      minVersion: version,
      maxVersion: version,
    });
    assert.equal((await told(secure)).toString(), 'for github.com');
    leave();
    assert.deepEqual(
      { status, resolved: bench.resolved, dialled: bench.dialled, denied: bench.denied },
      { status: 200, resolved: ['github.com'], dialled: [{ address: publicAddress, port: 443 }], denied: [] },
    );
  }
});

test('an https request of megabytes passes both ways unchanged', async () => {
  const sent = randomBytes(3 << 20);
  await using server = await startTlsServer('github.com', (socket) => {
    let received = 0;
    socket.on('data', (piece: Buffer) => {
      received += piece.length;
      socket.write(piece);
      if (received === sent.length) socket.end();
    });
  });
  const bench = createBench({
    dial: server.dial,
    limits: { ...limits, bytesUpMax: 4 << 20, bytesDownMax: 4 << 20 },
  });
  const { client, leave } = await openTunnel(bench.egress, github);
  const secure = tls.connect({ socket: client, servername: 'github.com', ca: server.certificate });
  secure.write(sent);
  assert.ok((await told(secure)).equals(sent));
  leave();
});

test('a client that greets another server fails at once, with the reason as a TLS alert', async () => {
  const bench = createBench();
  const { client, leave } = await openTunnel(bench.egress, github);
  const secure = tls.connect({ socket: client, servername: 'evil.example' });
  const [error] = (await once(secure, 'error')) as [Error & { code: string }];
  assert.equal(error.code, 'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED');
  leave();
  assert.deepEqual(
    { dialled: bench.dialled, denied: bench.denied },
    {
      dialled: [],
      denied: [
        denial(
          'The TLS ClientHello names another server.',
          'Use https: TLS that names the host it is meant for.',
        ),
      ],
    },
  );
});

test('a client that speaks plain HTTP in its tunnel is answered in plain HTTP', async () => {
  const bench = createBench();
  const answer = await exchange(
    bench.egress,
    github,
    Buffer.from('GET / HTTP/1.1\r\nHost: github.com\r\n\r\n'),
  );
  const line =
    'Egress to github.com is denied. The first bytes are not TLS. Use https: TLS that names the host it is meant for.\n';
  assert.deepEqual(
    { status: answer.status, told: answer.told.toString(), dialled: bench.dialled },
    {
      status: 200,
      told: `HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${line.length}\r\nConnection: close\r\n\r\n${line}`,
      dialled: [],
    },
  );
});

test('a refusal says in one line what was refused, why, and how to allow it', async () => {
  const lines: [string, number, string][] = [
    [
      'pypi.example:443',
      403,
      'Egress to pypi.example is denied. The host is not allowed. Add pypi.example to EGRESS_ALLOW on the server.',
    ],
    [
      'api.github.com:443',
      403,
      'Egress to api.github.com is denied. The host is never allowed. Nothing allows it.',
    ],
    [
      'github.com:80',
      403,
      'Egress to github.com is denied. Only port 443 is allowed. Ask for a host by its name, as host:443.',
    ],
    [
      '<b>@team\r\n:443',
      403,
      'Egress to ?b??team??:443 is denied. The target is empty or holds white space, control characters or letters beyond ASCII. Ask for a host by its name, as host:443.',
    ],
  ];
  for (const [authority, status, line] of lines) {
    const answer = await exchange(createBench().egress, authority, hello);
    assert.deepEqual({ ...answer, told: answer.told.toString() }, { status, told: `${line}\n` });
  }
});

test('with a closed policy nothing is resolved, and the refusal says how to open it', async () => {
  const closed = {
    reason: 'The repository is private.',
    howToAllow: 'Set EGRESS_ALLOW_PRIVATE on the server.',
  };
  const bench = createBench({ allowlist: allowing(), closed });
  const { status } = await exchange(bench.egress, github, hello);
  assert.deepEqual(
    { status, resolved: bench.resolved, denied: bench.denied },
    { status: 403, resolved: [], denied: [denial(closed.reason, closed.howToAllow)] },
  );
});

test('a host without an address, or that cannot be resolved, is out of reach and no refusal', async () => {
  const failing = async () => {
    throw new Error('ENOTFOUND');
  };
  for (const bench of [createBench({ answers: [[]] }), createBench({ resolve: failing })]) {
    const { status, told: line } = await exchange(bench.egress, github, hello);
    assert.deepEqual(
      { status, line: line.toString(), denied: bench.denied },
      { status: 502, line: 'github.com cannot be resolved.\n', denied: [] },
    );
  }
});

test('a resolver that never answers is given up', async () => {
  const resolve = (_host: string, signal: AbortSignal) =>
    new Promise<string[]>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const bench = createBench({ resolve, limits: { ...limits, connectMs: 30, connectionsMax: 1 } });
  assert.equal((await exchange(bench.egress, github, hello)).status, 502);
  assert.equal((await exchange(bench.egress, github, hello)).status, 502);
});

test('the next address is dialled when one does not answer, and after three it is given up', async () => {
  const answers = [['140.82.112.3', '140.82.112.4', '140.82.112.5', '140.82.112.6']];
  await using upstream = await startUpstream((socket) => socket.end('hello'));
  const second = createBench({
    answers,
    dial: (address) => (address === '140.82.112.4' ? upstream.dial() : Promise.reject(new Error('refused'))),
  });
  assert.equal((await exchange(second.egress, github, hello)).told.toString(), 'hello');
  assert.deepEqual(
    second.dialled.map(({ address }) => address),
    answers[0]?.slice(0, 2),
  );

  const none = createBench({ answers, dial: () => Promise.reject(new Error('refused')) });
  assert.deepEqual((await exchange(none.egress, github, hello)).told, internalError);
  assert.deepEqual(
    none.dialled.map(({ address }) => address),
    answers[0]?.slice(0, 3),
  );
});

test('an address that does not answer in time is given up, and its connection given back', async () => {
  const dial = (_address: string, _port: number, signal: AbortSignal) =>
    new Promise<Duplex>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const bench = createBench({ dial, limits: { ...limits, connectMs: 30, connectionsMax: 1 } });
  for (const _ of [1, 2]) assert.deepEqual((await exchange(bench.egress, github, hello)).told, internalError);
});

test('who says nothing after the 200 is told off in time', async () => {
  const bench = createBench({ limits: { ...limits, helloMs: 30 } });
  const silent = await openTunnel(bench.egress, github);
  assert.match((await told(silent.client)).toString(), /^HTTP\/1.1 403 .*No TLS ClientHello came in time/s);
  const halting = await openTunnel(bench.egress, github);
  halting.client.write(hello.subarray(0, 20));
  assert.deepEqual(await told(halting.client), accessDenied);
  for (const { leave } of [silent, halting]) leave();
  assert.deepEqual(
    { reports: bench.denied.map(({ reason }) => reason), dialled: bench.dialled },
    { reports: ['No TLS ClientHello came in time.'], dialled: [] },
  );
});

test('who leaves before a word has done nothing wrong', async () => {
  const bench = createBench({ limits: { ...limits, connectionsMax: 1 } });
  const first = await openTunnel(bench.egress, github);
  first.client.end();
  assert.deepEqual(await told(first.client), Buffer.alloc(0));
  const second = await openTunnel(bench.egress, github);
  second.leave();
  await sleep(5);
  const third = await openTunnel(bench.egress, github);
  third.leave();
  assert.deepEqual([first.status, second.status, third.status, bench.denied], [200, 200, 200, []]);
});

test('a server name counts in any case', async () => {
  const bench = createBench();
  await exchange(bench.egress, github, buildClientHello({ serverNames: ['GitHub.COM'] }));
  assert.deepEqual([bench.dialled.length, bench.denied], [1, []]);
});
