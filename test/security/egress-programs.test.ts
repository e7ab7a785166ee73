import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { Sandbox } from '../../server/domain/sandbox.ts';
import { startUpstream, takeAll } from '../support/egress-upstream.ts';
import { openSandboxes, shell, soon, type TestSandboxes } from '../support/sandboxes.ts';
import { connect, openScene, runInside } from '../support/security/egress-scene.ts';
import { buildClientHello } from '../support/tls-client-hello.ts';
import { startTlsServer, type TlsServer } from '../support/tls-server.ts';

/** Ordinary programs inside a real sandbox, which know of the proxy by their environment alone. */

let sandboxes: TestSandboxes;
let sandbox: Sandbox;
let github: TlsServer;
before(async () => {
  sandboxes = await openSandboxes();
  sandbox = await sandboxes.acquire('programs', soon());
  github = await startTlsServer('github.com', answer);
  await sandbox.write({ filepath: '/tmp/ca.pem', content: github.certificate }, soon());
});
after(async () => {
  await github?.[Symbol.asyncDispose]();
  await sandboxes?.[Symbol.asyncDispose]();
});

const refs = `001e# service=git-upload-pack\n0000003d${'1'.repeat(40)} refs/heads/main\n0000`;

/** A host that answers every request, and one for a repository as a server of the first protocol of git does. */
const answer = (socket: TLSSocket) => {
  socket.on('error', () => {});
  socket.once('data', (request: Buffer) => {
    const isGit = request.toString().includes('/info/refs?service=git-upload-pack');
    const body = isGit ? refs : 'hello from github.com\n';
    const type = isGit ? 'application/x-git-upload-pack-advertisement' : 'text/plain';
    socket.end(
      `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
  });
};

describe('an allowed host is reached by', () => {
  const reaching = async (command: string) => {
    const scene = openScene(sandbox, { dial: () => github.dial() });
    const said = await shell(sandbox, command);
    assert.equal(scene.dialled.length, 1);
    assert.deepEqual(scene.denied, []);
    return said;
  };

  test('curl', async () => {
    const said = await reaching('curl --silent --show-error --cacert /tmp/ca.pem https://github.com/');
    assert.equal(said, 'hello from github.com');
  });

  test('git', async () => {
    const said = await reaching('GIT_SSL_CAINFO=/tmp/ca.pem git ls-remote https://github.com/acme/shop.git');
    assert.equal(said, `${'1'.repeat(40)}\trefs/heads/main`);
  });

  test('Node’s fetch', async () => {
    const program = "fetch('https://github.com/').then((r) => r.text()).then((t) => console.log(t.trim()))";
    const said = await reaching(`NODE_EXTRA_CA_CERTS=/tmp/ca.pem node --eval "${program}"`);
    assert.equal(said, 'hello from github.com');
  });

  test('Python', async () => {
    const program =
      "import urllib.request; print(urllib.request.urlopen('https://github.com/').read().decode().strip())";
    assert.equal(
      await reaching(`SSL_CERT_FILE=/tmp/ca.pem python3 -c "${program}"`),
      'hello from github.com',
    );
  });
});

describe('a refusal is said by', () => {
  const reason = 'Egress to evil.example is denied. The host is not allowed.';
  const refused = async (command: string) => {
    const scene = openScene(sandbox);
    const said = await shell(sandbox, `${command} 2>&1; echo "exit code $?"`);
    assert.deepEqual(scene.dialled, []);
    assert.deepEqual(
      scene.denied.map(({ host }) => host),
      ['evil.example'],
    );
    return said;
  };

  test('curl, with the reason when it is asked to talk', async () => {
    const said = await refused('curl --verbose --max-time 20 https://evil.example/');
    assert.ok(said.includes(`HTTP/1.1 403 ${reason}`), said);
    assert.match(said, /response 403\nexit code 56$/);
  });

  test('curl for plain HTTP, in the body', async () => {
    const said = await refused('curl --silent --max-time 20 http://evil.example/');
    assert.match(
      said,
      /Egress to evil\.example is denied\. It asks for plain HTTP\. Use https: .*\nexit code 0$/,
    );
  });

  test('git', async () => {
    const said = await refused('git ls-remote https://evil.example/acme/shop.git');
    assert.match(said, /response 403\nexit code 128$/);
  });

  test('Python, with the reason', async () => {
    const said = await refused(
      `python3 -c "import urllib.request; urllib.request.urlopen('https://evil.example/')"`,
    );
    assert.ok(said.includes(`Tunnel connection failed: 403 ${reason}`), said);
  });

  test('npm, which gives up at once', async () => {
    const said = await refused(
      'npm view left-pad --registry=https://evil.example/ --fetch-retries=0 --loglevel=error',
    );
    assert.match(said, /exit code 1$/);
  });
});

describe('the limits of a job', () => {
  const hold = (name: string) => ({
    ...{ name, request: connect('github.com:443'), said: buildClientHello(), halfClose: false },
  });

  test('on connections at once hold, and a tunnel in which nothing moves is closed', async () => {
    await using silent = await startUpstream((socket) => void socket.resume());
    const scene = openScene(sandbox, {
      dial: () => silent.dial(),
      limits: { connectionsMax: 4, idleMs: 1500 },
    });
    const outcomes = await runInside(
      sandbox,
      Array.from({ length: 8 }, (_, index) => hold(`${index}`)),
    );
    const statuses = outcomes.map(({ head }) => head.slice(9, 12)).toSorted();
    assert.deepEqual(statuses, ['200', '200', '200', '200', '429', '429', '429', '429']);
    assert.ok(outcomes.every(({ hung, seconds }) => !hung && seconds < 10));
    assert.equal(scene.dialled.length, 4);
    assert.match(outcomes.find(({ head }) => head.includes(' 429 '))?.head ?? '', /has 4 connections open/);
  });

  test('on connections in all hold', async () => {
    const scene = openScene(sandbox, { limits: { connectionsTotalMax: 3 } });
    const outcomes = await runInside(
      sandbox,
      Array.from({ length: 5 }, (_, index) => hold(`${index}`)),
      1,
    );
    assert.deepEqual(
      outcomes.map(({ head }) => head.slice(9, 12)),
      ['200', '200', '200', '429', '429'],
    );
    assert.equal(scene.dialled.length, 3);
  });

  test('on bytes that go out cut the tunnel, and no other opens', async () => {
    await using taking = await startTlsServer('github.com', takeAll);
    await sandbox.write({ filepath: '/tmp/taking.pem', content: taking.certificate }, soon());
    const scene = openScene(sandbox, { dial: () => taking.dial(), limits: { bytesUpMax: 100_000 } });
    const upload =
      'head -c 1000000 /dev/zero | curl --silent --cacert /tmp/taking.pem -T - https://github.com/';
    assert.notEqual(await shell(sandbox, `${upload} >/dev/null; echo $?`), '0');
    assert.match(
      await shell(sandbox, 'curl --verbose https://github.com/ 2>&1 || true'),
      /429 .*more than 100000 bytes/,
    );
    assert.equal(scene.dialled.length, 1);
  });
});
