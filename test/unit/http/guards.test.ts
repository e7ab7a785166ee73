import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createJob, rawRequest, serve } from './serve.ts';

const endpoints: [method: string, path: string, statusWithKey: number][] = [
  ['POST', '/code', 415],
  ['GET', '/jobs/a', 200],
  ['GET', '/jobs/none', 404],
  ['HEAD', '/jobs/a/events', 200],
  ['DELETE', '/jobs/a', 202],
  ['GET', '/nowhere', 404],
  ['PUT', '/code', 405],
  ['POST', '/healthz', 405],
];

test('with keys every endpoint wants one of them, whichever it is', async () => {
  await using server = await serve({ apiKeys: ['key-one', 'key-two'] });
  await createJob(server.store, 'a', server.keyring.find('key-one')?.id);
  const ask = async (Authorization?: string) => {
    const statuses = [];
    for (const [method, path] of endpoints) {
      const headers = Authorization === undefined ? {} : { Authorization };
      statuses.push((await rawRequest(server.url + path, { method, headers })).status);
    }
    return statuses;
  };
  const unauthorized = endpoints.map(() => 401);
  const wrong = [
    undefined,
    'Bearer',
    'Bearer ',
    'Bearer key-on',
    'Bearer key-onee',
    'Bearer KEY-ONE',
    'Bearer key-one key-two',
    'Bearer key-one,key-two',
    'Basic a2V5LW9uZQ==',
    'key-one',
    'Bearerkey-one',
    `Bearer ${'x'.repeat(4_000)}`,
  ];
  for (const authorization of wrong) assert.deepEqual(await ask(authorization), unauthorized, authorization);
  for (const authorization of ['Bearer key-one', 'bearer key-one', 'BEARER  key-one']) {
    assert.deepEqual(
      await ask(authorization),
      endpoints.map(([, , status]) => status),
    );
  }
  const notItsJob = endpoints.map(([, path, status]) => (path.startsWith('/jobs') ? 404 : status));
  assert.deepEqual(await ask('Bearer key-two'), notItsJob);
});

test('a refusal says how to sign in, and whether a key was there at all', async () => {
  await using server = await serve({ apiKeys: ['key-one'] });
  const refusal = async (headers: Record<string, string>) => {
    const response = await fetch(`${server.url}/jobs/a`, { headers });
    return [response.headers.get('www-authenticate'), await response.json()];
  };
  const problem = {
    type: 'about:blank',
    title: 'Unauthorized',
    status: 401,
    code: 'unauthorized',
    whatToDo: 'Send one of the server’s API keys as «Authorization: Bearer <key>».',
  };
  assert.deepEqual(await refusal({}), [
    'Bearer realm="tiny-backspace"',
    { ...problem, detail: 'This server wants an API key.' },
  ]);
  assert.deepEqual(await refusal({ Authorization: 'Bearer no' }), [
    'Bearer realm="tiny-backspace", error="invalid_token"',
    { ...problem, detail: 'The API key is not one of this server’s.' },
  ]);
});

test('health and readiness are told without a key', async () => {
  const checks = [{ name: 'docker', ok: false, detail: 'connect ENOENT /var/run/docker.sock' }];
  await using server = await serve({ apiKeys: ['key'], ready: async () => ({ ready: false, checks }) });
  const health = await fetch(`${server.url}/healthz`);
  const readiness = await fetch(`${server.url}/readyz`);
  assert.deepEqual([health.status, await health.json()], [200, { status: 'ok' }]);
  assert.deepEqual([readiness.status, await readiness.json()], [503, { ready: false, checks }]);
});

test('a server that is ready says so with 200', async () => {
  const report = { ready: true, checks: [{ name: 'docker', ok: true, detail: '20.10' }] };
  await using server = await serve({ ready: async () => report });
  const readiness = await fetch(`${server.url}/readyz`);
  assert.deepEqual([readiness.status, await readiness.json()], [200, report]);
});

test('without keys only loopback names are answered, so that no web page can reach the server', async () => {
  await using server = await serve();
  const statusFor = async (path: string, Host: string) =>
    (await rawRequest(server.url + path, { headers: { Host } })).status;
  const foreign = [
    'evil.example',
    'evil.example:3000',
    '127.0.0.1.nip.io',
    'localhost.evil.example',
    'evil.example#localhost',
    'localhost@evil.example',
    'localhost.',
    '127.0.0.2',
    '127.1',
    '0.0.0.0',
    '[::]',
    '::1',
    'localhost:x',
    'localhost:1:2',
    '127x0x0x1',
  ];
  for (const host of foreign) {
    assert.deepEqual([host, await statusFor('/jobs/x', host)], [host, 403]);
    assert.deepEqual([host, await statusFor('/healthz', host)], [host, 403]);
  }
  const own = ['127.0.0.1', '127.0.0.1:3000', 'localhost', 'LOCALHOST:1', '[::1]', '[::1]:65535'];
  for (const host of own) assert.deepEqual([host, await statusFor('/healthz', host)], [host, 200]);
});

test('without keys a request that names no host is refused', async () => {
  await using server = await serve();
  const socket = connect(server.port, '127.0.0.1');
  socket.write('GET /healthz HTTP/1.0\r\n\r\n');
  assert.match(await text(socket), /^HTTP\/1\.1 403 /);
});

test('with keys any Host is answered, as long as the server has no public name', async () => {
  await using server = await serve({ apiKeys: ['key'] });
  const { status } = await rawRequest(`${server.url}/healthz`, { headers: { Host: 'backspace.example' } });
  assert.equal(status, 200);
});

test('with a public name only that and loopback names are answered', async () => {
  const table: [publicUrl: string, known: string[], foreign: string[]][] = [
    [
      'https://backspace.example/tiny/',
      [
        'backspace.example',
        'BACKSPACE.example',
        'backspace.example:443',
        'localhost:8080',
        '127.0.0.1',
        '[::1]:1',
      ],
      ['backspace.example:8443', 'backspace.example.', 'x.backspace.example', 'backspace.example@localhost'],
    ],
    ['http://backspace.example', ['backspace.example:80'], ['backspace.example:443', 'evil.example']],
    ['https://backspace.example:8443', ['backspace.example:8443'], ['backspace.example', '10.0.0.1']],
  ];
  for (const [publicUrl, known, foreign] of table) {
    await using server = await serve({ apiKeys: ['key'], publicUrl });
    const statusFor = async (Host: string) =>
      (await rawRequest(`${server.url}/healthz`, { headers: { Host } })).status;
    for (const host of known) assert.deepEqual([host, await statusFor(host)], [host, 200]);
    for (const host of foreign) assert.deepEqual([host, await statusFor(host)], [host, 403]);
  }
});

test('a public name opens nothing to others while there are no keys', async () => {
  await using server = await serve({ publicUrl: 'https://backspace.example' });
  const { status } = await rawRequest(`${server.url}/healthz`, { headers: { Host: 'backspace.example' } });
  assert.equal(status, 403);
});

const originTable: [publicUrl: string | undefined, own: string[], foreign: string[]][] = [
  [
    undefined,
    ['http://127.0.0.1:8080', 'http://localhost', 'https://[::1]:3000'],
    [
      'https://evil.example',
      'null',
      '',
      'http://localhost.evil.example',
      'http://127.0.0.1.nip.io',
      'file://',
    ],
  ],
  [
    'https://backspace.example/tiny',
    ['https://backspace.example'],
    ['http://backspace.example', 'https://backspace.example:8443', 'http://localhost:8080', 'null'],
  ],
];

for (const [publicUrl, own, foreign] of originTable) {
  test(`a page of another origin than ${publicUrl ?? 'this machine'} can read nothing and change nothing`, async () => {
    await using server = await serve({ apiKeys: ['key'], ...(publicUrl && { publicUrl }) });
    const changes = [
      ['POST', '/code', 415],
      ['DELETE', '/jobs/x', 404],
      ['PUT', '/healthz', 405],
      ['OPTIONS', '/code', 200],
    ] as const;
    const ask = async (method: string, path: string, Origin: string) => {
      const headers = { Authorization: 'Bearer key', Origin };
      const answer = await rawRequest(server.url + path, { method, headers });
      const cors = Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'));
      return [method, Origin, answer.status, ...cors];
    };
    for (const origin of [...own, ...foreign]) {
      for (const [method, path, status] of changes) {
        const expected = own.includes(origin) ? status : 403;
        assert.deepEqual(await ask(method, path, origin), [method, origin, expected]);
      }
      assert.deepEqual(await ask('GET', '/jobs', origin), ['GET', origin, 200]);
      assert.deepEqual(await ask('HEAD', '/healthz', origin), ['HEAD', origin, 200]);
    }
  });
}
