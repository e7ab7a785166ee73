import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wayOutWithEgress } from '../../../../server/docker/egress/open-egress.ts';
import type { WayOutRequest } from '../../../../server/domain/sandbox.ts';
import { createBench, publicAddress } from '../../../support/egress-bench.ts';
import { buildClientHello } from '../../../support/tls-client-hello.ts';

const pieces = async function* (...all: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all;
};

const ask = async (method: string, path: string, headers: Record<string, string> = {}) => {
  const bench = createBench();
  const passed: string[] = [];
  const wayOut = wayOutWithEgress(async (request) => {
    passed.push(`${request.method} ${request.path}`);
    return { status: 200, headers: {}, body: pieces() };
  }, bench.egress);
  const body = pieces(buildClientHello());
  const request: WayOutRequest = { method, path, headers, body, signal: new AbortController().signal };
  const { status, body: answer } = await wayOut(request);
  await Array.fromAsync(answer);
  return {
    status,
    passed,
    dialled: bench.dialled,
    denied: bench.denied.map(({ host, port }) => `${host} ${port}`),
  };
};

test('what has a path goes to the gateway, a CONNECT to the egress', async () => {
  assert.deepEqual(await ask('POST', '/acme/shop.git/git-upload-pack'), {
    status: 200,
    passed: ['POST /acme/shop.git/git-upload-pack'],
    dialled: [],
    denied: [],
  });
  assert.deepEqual(await ask('CONNECT', 'github.com:443'), {
    status: 200,
    passed: [],
    dialled: [{ address: publicAddress, port: 443 }],
    denied: [],
  });
});

test('a Host that names another target changes nothing', async () => {
  assert.deepEqual(await ask('CONNECT', 'github.com:443', { host: 'evil.example:443' }), {
    status: 200,
    passed: [],
    dialled: [{ address: publicAddress, port: 443 }],
    denied: [],
  });
  assert.deepEqual(await ask('CONNECT', 'evil.example:443', { host: 'github.com:443' }), {
    status: 403,
    passed: [],
    dialled: [],
    denied: ['evil.example 443'],
  });
});

const plain: [string, string, string][] = [
  ['GET', 'http://github.com/', 'github.com 80'],
  ['GET', 'HTTP://GitHub.com:8080/a?b', 'github.com 8080'],
  ['POST', 'https://github.com/login', 'github.com 80'],
  ['GET', 'http://169.254.169.254/latest/meta-data/', '169.254.169.254 null'],
  ['GET', 'http://user:password@github.com/', 'user:password?github.com null'],
  ['GET', 'http://[::1]:8080/', '[::1]:8080 null'],
  ['GET', 'ftp://github.com/file', 'github.com 80'],
  ['GET', 'http:github.com', 'http:github.com null'],
  ['OPTIONS', '*', '? null'],
  ['GET', '', '? null'],
  ['GET', 'undefined', 'undefined null'],
  ['GET', `http://${'a'.repeat(100_000)}/`, `${'a'.repeat(120)} null`],
];

for (const [method, path, denied] of plain) {
  test(`${method} ${path.slice(0, 50)} is plain HTTP for a proxy, refused and told`, async () => {
    assert.deepEqual(await ask(method, path), { status: 403, passed: [], dialled: [], denied: [denied] });
  });
}
