import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Sandbox } from '../../server/domain/sandbox.ts';
import { publicAddress } from '../support/egress-bench.ts';
import {
  addressProbes,
  answerProbes,
  notTlsProbes,
  otherHostProbes,
  type Probe,
  rebindingProbes,
  serverNameProbes,
  spellingProbes,
} from '../support/egress-probes.ts';
import { openSandboxes, soon, type TestSandboxes } from '../support/sandboxes.ts';
import { connect, insideProbes, openScene, runInside, wasRefused } from '../support/security/egress-scene.ts';
import { buildClientHello } from '../support/tls-client-hello.ts';
import type { Weakness } from '../support/weak-egress.ts';

/**
 * Every probe is sent by a program inside a real sandbox, through the real toolbox and channel, to the server's egress.
 * Resolver and dialler are the test's: what gets out is counted, and goes nowhere.
 */

let sandboxes: TestSandboxes;
let sandbox: Sandbox;
before(async () => {
  sandboxes = await openSandboxes();
  sandbox = await sandboxes.acquire('egress', soon());
});
after(() => sandboxes?.[Symbol.asyncDispose]());

const suite = (title: string, all: readonly Probe[], weak: Partial<Record<Weakness, number>>): void => {
  describe(`${title} (${all.length} probes)`, () => {
    const { probes, answers } = insideProbes(title, all);

    test('none gets out, and each is told so at once', async () => {
      const scene = openScene(sandbox, { answers });
      const outcomes = await runInside(sandbox, probes);
      assert.deepEqual(scene.dialled, []);
      assert.deepEqual(scene.passed, []);
      assert.deepEqual(
        outcomes.filter((outcome) => !wasRefused(outcome)),
        [],
      );
      assert.ok(scene.denials().total > 0);
    });

    for (const [weakness, least] of Object.entries(weak)) {
      test(`a proxy that ${weakness} is caught`, async () => {
        const scene = openScene(sandbox, { answers, weakness: weakness as Weakness });
        await runInside(sandbox, probes);
        assert.ok(scene.dialled.length >= least, `${scene.dialled.length} of ${probes.length} got out`);
      });
    }
  });
};

suite('addresses for hosts, in every spelling', addressProbes, { 'forbids known names': 30 });
// Space before and behind a target is HTTP's own: such a request names the host itself, and soundly.
const onTheWire = spellingProbes.filter(({ authority }) => !/^ |[ ]$/.test(authority));

suite('spellings of an allowed host', onTheWire, { 'parses with new URL': 10 });
suite('hosts that are not allowed', otherHostProbes, { 'allows by the end of the name': 10 });
suite('answers that are not public', answerProbes, {
  'looks at the first address': 30,
  'knows three private networks': 50,
});
suite('first bytes that are not TLS', notTlsProbes, { 'takes any first bytes': 15 });
suite('server names that are not the host', serverNameProbes, { 'takes any server name': 10 });

describe('names whose next answer is another', () => {
  const { probes, answers } = insideProbes('rebinding', rebindingProbes);

  test('are resolved once, and what was checked is dialled', async () => {
    const scene = openScene(sandbox, { answers });
    await runInside(sandbox, probes);
    assert.deepEqual(
      scene.dialled,
      probes.map(() => ({ address: publicAddress, port: 443 })),
    );
  });

  test('a proxy that resolves again to dial is caught', async () => {
    const scene = openScene(sandbox, { answers, weakness: 'resolves again to dial' });
    await runInside(sandbox, probes);
    assert.ok(scene.dialled.length > 0 && scene.dialled.every(({ address }) => address !== publicAddress));
  });
});

/** Requests in another form than a plain CONNECT; none may be dialled, and none may seem to be the repository's. */
const forms: Record<string, string> = {
  'plain HTTP to an allowed host': 'GET http://github.com/ HTTP/1.1\r\nHost: github.com\r\n\r\n',
  'plain HTTP to a metadata address':
    'GET http://169.254.169.254/latest/meta-data/ HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n',
  'https without a tunnel': 'GET https://github.com/ HTTP/1.1\r\nHost: github.com\r\n\r\n',
  'a whole URL whose Host is the way out':
    'GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1:3128\r\n\r\n',
  'another scheme': 'GET ftp://github.com/file HTTP/1.1\r\nHost: github.com\r\n\r\n',
  'a user name in a URL': 'GET http://user:password@github.com/ HTTP/1.1\r\nHost: github.com\r\n\r\n',
  'an IPv6 address in a URL': 'GET http://[::1]:8080/ HTTP/1.1\r\nHost: [::1]\r\n\r\n',
  'OPTIONS of everything': 'OPTIONS * HTTP/1.1\r\nHost: github.com\r\n\r\n',
  'a CONNECT whose Host is allowed': 'CONNECT evil.example:443 HTTP/1.1\r\nHost: github.com:443\r\n\r\n',
  'a CONNECT in HTTP/1.0': 'CONNECT evil.example:443 HTTP/1.0\r\n\r\n',
  'a CONNECT with a body': 'CONNECT evil.example:443 HTTP/1.1\r\nContent-Length: 4\r\nHost: x\r\n\r\nbody',
  'a CONNECT behind a line end': '\r\nCONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n',
  'a lower-case connect': 'connect github.com:443 HTTP/1.1\r\nHost: github.com\r\n\r\n',
  'two lengths':
    'POST http://github.com/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
  'length and chunks':
    'POST http://github.com/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a folded header': 'GET http://github.com/ HTTP/1.1\r\nHost: x\r\n y\r\n\r\n',
  'a request line with tabs': 'CONNECT\tgithub.com:443\tHTTP/1.1\r\nHost: x\r\n\r\n',
  'a target of 100,000 letters': `CONNECT ${'a'.repeat(100_000)}:443 HTTP/1.1\r\nHost: x\r\n\r\n`,
  'a header of 100,000 letters': `CONNECT github.com:443 HTTP/1.1\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`,
  'HTTP/2 without asking': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  'SOCKS 5': '\x05\x01\x00',
  'SOCKS 4a': '\x04\x01\x01\xbb\0\0\0\x01\0github.com\0',
  TLS: '\x16\x03\x01\0\x01\x01',
  'the PROXY protocol':
    'PROXY TCP4 127.0.0.1 127.0.0.1 1 443\r\nCONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n',
};

/** Our own header, with which the toolbox tells the target, from somebody who knows of it. */
const forged: Record<string, string> = {
  'a target in our header': 'GET / HTTP/1.1\r\nHost: x\r\nx-backspace-target: github.com%3A443\r\n\r\n',
  'a target in our header in capitals': 'GET / HTTP/1.1\r\nHost: x\r\nX-BACKSPACE-TARGET: evil\r\n\r\n',
  'an upgrade to HTTP/2':
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n',
  'an upgrade to a WebSocket':
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n\r\n',
};

const raw = (requests: Record<string, string>) =>
  Object.entries(requests).map(([name, request]) => ({
    ...{ name, request: Buffer.from(request, 'latin1'), said: buildClientHello(), halfClose: true },
  }));

test(`requests in another form than a CONNECT reach nothing (${Object.keys(forms).length} probes)`, async () => {
  const scene = openScene(sandbox);
  const outcomes = await runInside(sandbox, raw(forms));
  assert.deepEqual({ dialled: scene.dialled, passed: scene.passed }, { dialled: [], passed: [] });
  // What is no HTTP at all is answered with 400 or cut off.
  const unclear = outcomes.filter((outcome) => outcome.hung || (outcome.head !== '' && !wasRefused(outcome)));
  assert.deepEqual(unclear, []);
});

test('our own header from inside is not heard: such a request is the gateway’s, and it refuses', async () => {
  const scene = openScene(sandbox);
  const outcomes = await runInside(sandbox, raw(forged), 1);
  assert.deepEqual(scene.dialled, []);
  assert.deepEqual(
    scene.passed,
    outcomes.map(() => 'GET /'),
  );
  assert.deepEqual(
    outcomes.filter((outcome) => !wasRefused(outcome)),
    [],
  );
});

test('a sandbox of a private or an Enterprise repository, or with an empty list, reaches not even github.com', async () => {
  const closing = [
    { repository: { private: true } },
    { publicIsForAll: false },
    { allow: [] },
    { allow: ['not a host'] },
  ];
  for (const options of closing) {
    const scene = openScene(sandbox, options);
    const hosts = ['github.com:443', 'codeload.github.com:443', 'p1.probe.example:443'];
    const probes = hosts.map((host) => ({
      ...{ name: host, request: connect(host), said: buildClientHello(), halfClose: true },
    }));
    const outcomes = await runInside(sandbox, probes);
    assert.deepEqual(scene.dialled, []);
    assert.ok(outcomes.every(({ head }) => head.startsWith('HTTP/1.1 403 Egress to ')));
    assert.equal(scene.denials().total, hosts.length);
  }
});
