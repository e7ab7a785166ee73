import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Base } from '../../../server/domain/repository.ts';
import type { WayOut, WayOutRequest } from '../../../server/domain/sandbox.ts';
import { createGateway } from '../../../server/github/gateway.ts';
import type { GitHubLimits } from '../../../server/github/options.ts';
import { limits } from '../../support/github.ts';

const token = 'ghp_canary0123456789';
const refs = '/acme/shop.git/info/refs?service=git-upload-pack';
const fetchPath = '/acme/shop.git/git-upload-pack';
const base: Base = {
  repositoryId: 1,
  repository: { owner: 'acme', name: 'shop' },
  private: true,
  branch: 'main',
  commit: 'a'.repeat(40),
};

const advertisement = 'application/x-git-upload-pack-advertisement';
const result = 'application/x-git-upload-pack-result';

type Upstream = AsyncDisposable & { url: string; connections: () => number };

const startUpstream = async (listener: RequestListener): Promise<Upstream> => {
  const server = createServer(listener);
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

const gatewayTo = (
  url: string,
  changed: Partial<GitHubLimits> = {},
  onBytes: (bytes: number) => void = () => {},
): WayOut =>
  createGateway(
    {
      url,
      apiUrl: url,
      wayOutUrl: '',
      token,
      userAgent: 'test',
      temporaryDirectory: '/nowhere',
      limits: { ...limits, ...changed },
    },
    base,
    onBytes,
  );

const request = (method: string, path: string, more: Partial<WayOutRequest> = {}): WayOutRequest => ({
  method,
  path,
  headers: {},
  body: from(),
  signal: new AbortController().signal,
  ...more,
});

const ask = async (gateway: WayOut, asked: WayOutRequest) => {
  const { status, headers, body } = await gateway(asked);
  return { status, headers, text: Buffer.concat(await Array.fromAsync(body)).toString() };
};

test('a fetch passes with the token added and nothing else of either side', async () => {
  const seen: unknown[] = [];
  await using upstream = await startUpstream(async (incoming, answer) => {
    const body = Buffer.concat(await Array.fromAsync(incoming as AsyncIterable<Buffer>)).toString();
    const {
      authorization,
      cookie,
      'git-protocol': protocol,
      'x-forwarded-for': forwarded,
    } = incoming.headers;
    seen.push({
      method: incoming.method,
      url: incoming.url,
      authorization,
      cookie,
      protocol,
      forwarded,
      body,
    });
    answer
      .writeHead(200, {
        'content-type': incoming.method === 'GET' ? advertisement : result,
        'set-cookie': 'session=secret',
        'x-github-request-id': '1',
      })
      .end('an answer');
  });
  let bytes = 0;
  const gateway = gatewayTo(upstream.url, {}, (more) => {
    bytes += more;
  });
  const headers = {
    'git-protocol': 'version=2',
    authorization: 'Basic mine',
    cookie: 'a=b',
    host: 'evil.example',
    'x-forwarded-for': '1.2.3.4',
  };
  assert.deepEqual(await ask(gateway, request('GET', refs, { headers })), {
    status: 200,
    headers: { 'content-type': advertisement, 'cache-control': 'no-cache' },
    text: 'an answer',
  });
  const body = from('0011', 'want');
  assert.deepEqual(await ask(gateway, request('POST', fetchPath, { headers, body })), {
    status: 200,
    headers: { 'content-type': result, 'cache-control': 'no-cache' },
    text: 'an answer',
  });
  const authorization = `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
  const same = { authorization, cookie: undefined, protocol: 'version=2', forwarded: undefined };
  assert.deepEqual(seen, [
    { method: 'GET', url: refs, ...same, body: '' },
    { method: 'POST', url: fetchPath, ...same, body: '0011want' },
  ]);
  assert.equal(bytes, 26);
});

const refused: readonly [method: string, path: string][] = [
  ['GET', '/'],
  ['GET', ''],
  ['GET', '/acme/shop'],
  ['GET', '/acme/shop.git'],
  ['GET', '/acme/shop.git/HEAD'],
  ['GET', '/acme/shop.git/objects/info/packs'],
  ['GET', '/acme/shop.git/info/refs'],
  ['GET', '/acme/shop.git/info/refs?service=git-receive-pack'],
  ['GET', `${refs}&service=git-receive-pack`],
  ['GET', '/acme/shop.git/info/refs?service=git-receive-pack&service=git-upload-pack'],
  ['GET', `${refs}#`],
  ['GET', `${refs}%00`],
  ['GET', '/acme/shop/info/refs?service=git-upload-pack'],
  ['GET', '/acme/other.git/info/refs?service=git-upload-pack'],
  ['GET', '/ACME/shop.git/info/refs?service=git-upload-pack'],
  ['GET', '/acme/shop.GIT/info/refs?service=git-upload-pack'],
  ['GET', '//acme/shop.git/info/refs?service=git-upload-pack'],
  ['GET', '/./acme/shop.git/info/refs?service=git-upload-pack'],
  ['GET', '/other/../acme/shop.git/info/refs?service=git-upload-pack'],
  ['GET', '/acme/shop.git/../secret.git/info/refs?service=git-upload-pack'],
  ['GET', '/acme/%73hop.git/info/refs?service=git-upload-pack'],
  ['GET', '/acme/shop.git%2finfo/refs?service=git-upload-pack'],
  ['GET', '/acme/shop.git/info/refs;a?service=git-upload-pack'],
  ['GET', 'http://evil.example/acme/shop.git/info/refs?service=git-upload-pack'],
  ['GET', '@evil.example/acme/shop.git/info/refs?service=git-upload-pack'],
  ['GET', '/acme/shop.git/git-upload-pack'],
  ['get', refs],
  ['HEAD', refs],
  ['POST', refs],
  ['CONNECT', 'github.com:443'],
  ['POST', '/acme/shop.git/git-receive-pack'],
  ['POST', '/acme/shop.git/git-upload-archive'],
  ['POST', `${fetchPath}?`],
  ['POST', `${fetchPath}/`],
  ['POST', '/acme/shop.git/git-upload-pack/../git-receive-pack'],
  ['PUT', fetchPath],
  ['POST', '/acme/shop.git/info/lfs/objects/batch'],
  ['POST', '/api/repos/acme/shop/git/refs'],
  ['GET', '/acme/shop.git/info/refs?service=git-upload-pack\r\nx: y'],
];

test('every other spelling is refused without asking anybody', async () => {
  await using upstream = await startUpstream((_, answer) => answer.end());
  const gateway = gatewayTo(upstream.url);
  for (const [method, path] of refused) {
    assert.deepEqual(
      { path, ...(await ask(gateway, request(method, path))) },
      {
        path,
        status: 403,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        text: 'Only git fetch of acme/shop may pass here.\n',
      },
    );
  }
  assert.equal(upstream.connections(), 0);
});

test('no redirect is followed, and the other host sees no connection', async () => {
  await using other = await startUpstream((_, answer) => answer.end());
  for (const status of [301, 302, 303, 307, 308]) {
    await using upstream = await startUpstream((_, answer) => {
      answer.writeHead(status, { location: `${other.url}${refs}` }).end();
    });
    const answer = await ask(gatewayTo(upstream.url), request('GET', refs));
    assert.deepEqual(
      [answer.status, answer.text],
      [502, `GitHub answered the fetch of acme/shop with status ${status}.\n`],
    );
  }
  assert.equal(other.connections(), 0);
});

test('a refusal or a page of GitHub comes out as a line for git’s user', async () => {
  for (const status of [200, 401, 403, 404, 429, 500]) {
    await using upstream = await startUpstream((_, answer) => {
      answer
        .writeHead(status, { 'content-type': 'text/html', 'www-authenticate': 'Basic' })
        .end(`<p>${token}</p>`);
    });
    assert.deepEqual(await ask(gatewayTo(upstream.url), request('GET', refs)), {
      status: 502,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      text: `GitHub answered the fetch of acme/shop with status ${status}.\n`,
    });
  }
});

test('a GitHub that is not there is a 502', async () => {
  const upstream = await startUpstream(() => {});
  await upstream[Symbol.asyncDispose]();
  const answer = await ask(gatewayTo(upstream.url), request('GET', refs));
  assert.deepEqual(
    [answer.status, answer.text],
    [502, 'The connection to GitHub broke off or took too long.\n'],
  );
});

test('headers that no git sends are left out', async () => {
  const seen: unknown[] = [];
  await using upstream = await startUpstream((incoming, answer) => {
    seen.push([incoming.headers['git-protocol'], incoming.headers.accept]);
    answer.writeHead(200, { 'content-type': advertisement }).end();
  });
  const headers = { 'git-protocol': 'version=2\r\nx-evil: 1', accept: 'a'.repeat(100_000) };
  assert.equal((await ask(gatewayTo(upstream.url), request('GET', refs, { headers }))).status, 200);
  assert.deepEqual(seen, [[undefined, '*/*']]);
});

test('the bytes of all requests together are limited, in both directions', async () => {
  await using upstream = await startUpstream((_, answer) => {
    answer.writeHead(200, { 'content-type': advertisement }).end('x'.repeat(600));
  });
  const gateway = gatewayTo(upstream.url, { gatewayBytesMax: 1_000 });
  await ask(gateway, request('GET', refs));
  await assert.rejects(ask(gateway, request('GET', refs)), { code: 'repository_too_large' });
  const sending = gatewayTo(upstream.url, { gatewayBytesMax: 1_000 });
  const body = from('x'.repeat(1_001));
  assert.equal((await ask(sending, request('POST', fetchPath, { body }))).status, 502);
});

test('a request that is larger than any fetch is refused', async () => {
  await using upstream = await startUpstream((_, answer) => answer.end());
  const answer = await ask(gatewayTo(upstream.url), request('POST', fetchPath, { body: endless() }));
  assert.deepEqual([answer.status, answer.text], [502, 'The fetch request has more than 1048576 bytes.\n']);
  assert.equal(upstream.connections(), 0);
});

test('a transfer that stalls is cut', async () => {
  await using upstream = await startUpstream((_, answer) => {
    answer.writeHead(200, { 'content-type': advertisement }).write('x');
  });
  await assert.rejects(ask(gatewayTo(upstream.url, { gatewayMs: 100 }), request('GET', refs)), {
    code: 'clone_failed',
    message: 'The connection to GitHub broke off or took too long.',
  });
});

test('a request of the sandbox’s that stalls is cut, before GitHub hears of it', async () => {
  await using upstream = await startUpstream((_, answer) => answer.end());
  const gateway = gatewayTo(upstream.url, { gatewayMs: 100 });
  const answer = await ask(gateway, request('POST', fetchPath, { body: silent() }));
  assert.deepEqual(
    [answer.status, answer.text],
    [502, 'The connection to GitHub broke off or took too long.\n'],
  );
  assert.equal(upstream.connections(), 0);
});

test('so many requests pass at once and so many in all; a transfer that ends or is given up makes room', async () => {
  let asked = 0;
  await using upstream = await startUpstream((_, answer) => {
    asked += 1;
    answer.writeHead(200, { 'content-type': advertisement }).write('x');
    if (asked === 3) answer.end();
  });
  const gateway = gatewayTo(upstream.url, { gatewayRequestsMax: 4, gatewayRequestsAtOnceMax: 2 });
  const refusal = [429, 'At most 2 requests at once and 4 in all may pass here.\n'];
  const attempt = async () => {
    const { status, text } = await ask(gateway, request('GET', refs));
    return [status, text];
  };
  const [first, second] = [new AbortController(), new AbortController()];
  const open = async ({ signal }: AbortController) => {
    const { body } = await gateway(request('GET', refs, { signal }));
    return Array.fromAsync(body).catch(() => 'given up');
  };
  const readings = [open(first), open(second)];
  while (asked < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(await attempt(), refusal);
  first.abort();
  assert.deepEqual(await attempt(), [200, 'x']);
  second.abort();
  assert.deepEqual(await Promise.all(readings), ['given up', 'given up']);
  const last = new AbortController();
  const reading = open(last);
  last.abort();
  await reading.catch(() => {});
  assert.deepEqual(await attempt(), refusal);
});

test('when the sandbox gives up, the request to GitHub ends, too', async () => {
  const ended = Promise.withResolvers<void>();
  await using upstream = await startUpstream((_, answer) => {
    answer.once('close', ended.resolve);
    answer.writeHead(200, { 'content-type': advertisement }).write('x');
  });
  const stop = new AbortController();
  const { body } = await gatewayTo(upstream.url)(request('GET', refs, { signal: stop.signal }));
  const reading = Array.fromAsync(body);
  stop.abort(new Error('The sandbox gave the request up.'));
  await assert.rejects(reading, { code: 'clone_failed' });
  await ended.promise;
});

async function* from(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function* endless(): AsyncGenerator<Uint8Array> {
  while (true) yield new Uint8Array(65_536);
}

async function* silent(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('0011');
  await new Promise(() => {});
}
