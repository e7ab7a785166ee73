import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Sandbox, WayOut, WayOutRequest } from '../../../server/domain/sandbox.ts';
import { openSandboxes, shell, soon, type TestSandboxes } from '../../support/sandboxes.ts';

let sandboxes: TestSandboxes;
let sandbox: Sandbox;
before(async () => {
  sandboxes = await openSandboxes();
  sandbox = await sandboxes.acquire('job-of-the-way-out', soon());
});
after(() => sandboxes?.[Symbol.asyncDispose]());

const url = 'http://127.0.0.1:3128';
const body = async function* (text: string) {
  yield Buffer.from(text);
};
const textOf = async (request: WayOutRequest) =>
  Buffer.concat(await Array.fromAsync(request.body)).toString();

test('before anybody decides, everything is refused', async () => {
  const refused = 'Nothing may leave this sandbox yet.\n403';
  const urls = [`${url}/`, `${url}/a/b.git/info/refs?service=git-upload-pack`];
  for (const address of urls)
    assert.equal(await shell(sandbox, `curl -s -w '%{http_code}' '${address}'`), refused);
  // Neither as a proxy nor as a tunnel.
  for (const address of ['http://example.com/', 'https://example.com/']) {
    const said = await shell(sandbox, `curl -s -o /dev/null -w '%{http_code}' -x ${url} ${address} || true`);
    assert.match(said, /^(000|403|502)$/, address);
  }
});

describe('a request from inside', () => {
  let decide: WayOut = async () => ({ status: 500, headers: {}, body: body('') });
  beforeEach(() => sandbox.openWayOut((request) => decide(request)));

  test('arrives with method, path, headers and body, and is answered with status, headers and body', async () => {
    const seen: object[] = [];
    decide = async (request) => {
      const { method, path, headers } = request;
      seen.push({ method, path, headers, body: await textOf(request) });
      return { status: 418, headers: { 'x-answer': 'yes' }, body: body('short and stout') };
    };
    const said = await shell(
      sandbox,
      `curl -s -i -X PUT -H 'X-Question: why' -H 'User-Agent: test' -d 'a body' '${url}/a%20b/../c?d=e&f' | tr -d '\\r'`,
    );
    assert.deepEqual(seen, [
      {
        method: 'PUT',
        path: '/a%20b/../c?d=e&f'.replace('/a%20b/..', ''),
        headers: {
          accept: '*/*',
          'content-length': '6',
          'content-type': 'application/x-www-form-urlencoded',
          'user-agent': 'test',
          'x-question': 'why',
        },
        body: 'a body',
      },
    ]);
    assert.match(said, /^HTTP\/1\.1 418 I'm a Teapot\n/);
    assert.match(said, /\nx-answer: yes\n/);
    assert.match(said, /\n\nshort and stout$/);
  });

  test('that asks for an upgrade to HTTP/2 is a request like any other', async () => {
    decide = async () => ({ status: 200, headers: {}, body: body('plain') });
    assert.equal(await shell(sandbox, `curl -s --http2 ${url}/`), 'plain');
  });

  test('streams 50 MB each way, and waits for the slower side', async () => {
    const bytes = 50 << 20;
    const chunk = Buffer.alloc(1 << 20, 'z');
    let yielded = 0;
    let readMost = 0;
    decide = async (request) => {
      if (request.method === 'POST') {
        let received = 0;
        for await (const piece of request.body) received += piece.length;
        return { status: 200, headers: {}, body: body(`received ${received}`) };
      }
      return {
        status: 200,
        headers: {},
        body: (async function* () {
          for (; yielded < bytes; yielded += chunk.length) yield chunk;
        })(),
      };
    };
    assert.equal(
      await shell(sandbox, `head -c ${bytes} /dev/zero | curl -s -T - -X POST ${url}/`),
      `received ${bytes}`,
    );
    const digest = createHash('sha256').update(Buffer.alloc(bytes, 'z')).digest('hex');
    assert.match(await shell(sandbox, `curl -s ${url}/ | sha256sum`), new RegExp(`^${digest}`));

    yielded = 0;
    const slow = shell(sandbox, `curl -s --limit-rate 100k --max-time 2 ${url}/ | wc -c`);
    const watch = setInterval(() => {
      readMost = yielded;
    }, 100);
    await slow;
    clearInterval(watch);
    assert.ok(readMost < 40 << 20, `${readMost} bytes went ahead of a slow reader`);
  });

  test('that is given up inside aborts the decision', async () => {
    const aborted = Promise.withResolvers<string>();
    decide = ({ signal }) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          aborted.resolve(String(signal.reason));
          reject(signal.reason);
        }),
      );
    await shell(sandbox, `curl -s --max-time 0.5 ${url}/ || true`);
    assert.equal(await aborted.promise, 'Error: The sandbox gave the request up.');
  });

  test('whose decision fails is answered, and whose body breaks is cut', async () => {
    decide = async () => {
      throw new Error('secret detail of the server');
    };
    const failed = await shell(sandbox, `curl -s -w '%{http_code}' ${url}/`);
    assert.equal(failed, 'The way out of the sandbox is closed.\n502');
    decide = async () => ({
      status: 200,
      headers: {},
      body: (async function* () {
        yield Buffer.from('half');
        throw new Error('secret detail of the server');
      })(),
    });
    const cut = await shell(sandbox, `curl -s --max-time 5 ${url}/ 2>&1 || echo "|$?"`);
    assert.match(cut, /^(half)?\|(18|52|56)$/);
  });

  test('may come a hundred times at once', async () => {
    decide = async (request) => ({ status: 200, headers: {}, body: body(`${request.path};`) });
    const said = await shell(sandbox, `curl -s --parallel --parallel-max 100 '${url}/[1-100]' 2>/dev/null`);
    const paths = said.split(';').filter((path) => path !== '');
    assert.deepEqual(
      paths.map((path) => Number(path.slice(1))).toSorted((a, b) => a - b),
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
  });
});
