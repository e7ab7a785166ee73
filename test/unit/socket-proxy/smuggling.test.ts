import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { sandboxBody } from '../../support/socket-proxy/bounds.ts';
import { openProxy } from '../../support/socket-proxy/proxy.ts';
import { sendRaw } from '../../support/socket-proxy/send.ts';

const id = 'c'.repeat(64);
const valid = JSON.stringify(sandboxBody());
const bytes = Buffer.byteLength(valid);
const privileged = '{"Image":"debian","HostConfig":{"Privileged":true}}';
const json = 'Content-Type: application/json';
const head = (...lines: string[]) => [...lines, '', ''].join('\r\n');
const chunked = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const create = 'POST /containers/create HTTP/1.1';
const host = 'Host: d';

const attacks: Record<string, string> = {
  'Content-Length and Transfer-Encoding': `${head(create, host, json, `Content-Length: ${bytes}`, 'Transfer-Encoding: chunked')}${chunked(valid)}`,
  'Transfer-Encoding and Content-Length 0': `${head('GET /_ping HTTP/1.1', host, 'Transfer-Encoding: chunked', 'Content-Length: 0')}${chunked(privileged)}`,
  'a chunked body': `${head(create, host, json, 'Transfer-Encoding: chunked')}${chunked(valid)}`,
  'a chunked body with trailers': `${head(create, host, json, 'Trailer: X-A', 'Transfer-Encoding: chunked')}${chunked(valid).slice(0, -2)}X-A: b\r\n\r\n`,
  'Transfer-Encoding identity': `${head(create, host, json, 'Transfer-Encoding: identity', `Content-Length: ${bytes}`)}${valid}`,
  'Transfer-Encoding spelt xchunked': `${head(create, host, json, 'Transfer-Encoding: xchunked')}${valid}`,
  'a space before the colon': `${head(create, host, json, 'Transfer-Encoding : chunked')}${chunked(valid)}`,
  'two lengths': `${head(create, host, json, `Content-Length: ${bytes}`, 'Content-Length: 5')}${valid}`,
  'two equal lengths': `${head(create, host, json, `Content-Length: ${bytes}`, `Content-Length: ${bytes}`)}${valid}`,
  'a list of lengths': `${head(create, host, json, `Content-Length: ${bytes}, ${bytes}`)}${valid}`,
  'a length with a sign': `${head(create, host, json, `Content-Length: +${bytes}`)}${valid}`,
  'a negative length': `${head(create, host, json, 'Content-Length: -1')}${valid}`,
  'a length in hexadecimal': `${head(create, host, json, 'Content-Length: 0x10')}${valid}`,
  'a length that overflows': `${head(create, host, json, 'Content-Length: 18446744073709551617')}${valid}`,
  'a length over 64 KiB': `${head(create, host, json, 'Content-Length: 65537')}${valid}`,
  'a body shorter than its length': `${head(create, host, json, `Content-Length: ${bytes + 5}`)}${valid}`,
  'a folded header': `${head(create, host, json, 'Content-Length:', ` ${bytes}`)}${valid}`,
  'bare line feeds': `${head(create, host, json, `Content-Length: ${bytes}`).replaceAll('\r\n', '\n')}${valid}`,
  'a NUL in a header': `${head(create, host, json, `Content-Length: ${bytes}`, 'User-Agent: a\0b')}${valid}`,
  'a carriage return in a header': `${head(create, host, json, `Content-Length: ${bytes}`, 'User-Agent: a\rX: b')}${valid}`,
  'no Host': `${head(create, json, `Content-Length: ${bytes}`)}${valid}`,
  'two Hosts': head('GET /_ping HTTP/1.1', host, 'Host: e'),
  'an absolute URL': head('GET http://d/_ping HTTP/1.1', host),
  'an absolute URL with a scheme of its own': head('GET unix:///_ping HTTP/1.1', host),
  'a target without a slash': head('GET _ping HTTP/1.1', host),
  'an asterisk': head('OPTIONS * HTTP/1.1', host),
  CONNECT: head('CONNECT docker:80 HTTP/1.1', host),
  'CONNECT with a path': head('CONNECT /_ping HTTP/1.1', host),
  'an unknown method': head('FOO /_ping HTTP/1.1', host),
  'a method in lower case': head('get /_ping HTTP/1.1', host),
  TRACE: head('TRACE /_ping HTTP/1.1', host),
  'HTTP/1.0': head('GET /_ping HTTP/1.0', host),
  'HTTP/0.9': 'GET /_ping\r\n',
  'HTTP/2 without TLS': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'an upgrade to HTTP/2': head(
    'GET /_ping HTTP/1.1',
    host,
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
  ),
  'an upgrade of another path': head('GET /_ping HTTP/1.1', host, 'Connection: Upgrade', 'Upgrade: tcp'),
  'an upgrade of /session': head('POST /session HTTP/1.1', host, 'Connection: Upgrade', 'Upgrade: h2c'),
  'an upgrade of /grpc': head('POST /grpc HTTP/1.1', host, 'Connection: Upgrade', 'Upgrade: h2c'),
  'an upgrade of attach': head(
    `POST /containers/${id}/attach?stream=1&stdin=1 HTTP/1.1`,
    host,
    'Connection: Upgrade',
    'Upgrade: tcp',
  ),
  'an upgrade of create': `${head(create, host, json, 'Connection: Upgrade', 'Upgrade: tcp', `Content-Length: ${bytes}`)}${valid}`,
  'an exec of somebody else': `${head(`POST /exec/${id}/start HTTP/1.1`, host, json, 'Connection: Upgrade', 'Upgrade: tcp', 'Content-Length: 2')}{}`,
  'an exec without an upgrade': `${head(`POST /exec/${id}/start HTTP/1.1`, host, json, 'Content-Length: 2')}{}`,
  'an exec that detaches': `${head(`POST /exec/${id}/start HTTP/1.1`, host, json, 'Connection: Upgrade', 'Upgrade: tcp', 'Content-Length: 15')}{"Detach":true}`,
  'an exec with a terminal': `${head(`POST /exec/${id}/start HTTP/1.1`, host, json, 'Connection: Upgrade', 'Upgrade: tcp', 'Content-Length: 12')}{"Tty":true} `,
  'an exec over a websocket': `${head(`POST /exec/${id}/start HTTP/1.1`, host, json, 'Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 2')}{}`,
  'an exec whose body breaks off': `${head(`POST /exec/${id}/start HTTP/1.1`, host, json, 'Connection: Upgrade', 'Upgrade: tcp', 'Content-Length: 9')}{}`,
  'a method override': head('GET /_ping HTTP/1.1', host, 'X-HTTP-Method-Override: DELETE'),
  'a rewritten URL': head('GET /_ping HTTP/1.1', host, 'X-Original-URL: /containers/create'),
  'registry credentials': head('GET /_ping HTTP/1.1', host, 'X-Registry-Auth: e30='),
  'an expectation': `${head(create, host, json, 'Expect: 100-continue', `Content-Length: ${bytes}`)}${valid}`,
  'another expectation': `${head(create, host, json, 'Expect: 200-ok', `Content-Length: ${bytes}`)}${valid}`,
  'a body of another type': `${head(create, host, 'Content-Type: text/plain', `Content-Length: ${bytes}`)}${valid}`,
  'a compressed body': `${head(create, host, json, 'Content-Encoding: gzip', `Content-Length: ${bytes}`)}${valid}`,
  'headers without end': `GET /_ping HTTP/1.1\r\n${'Accept: a\r\n'.repeat(3000)}`,
  'a TLS hello': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
};

test('without an attack the same bytes reach the engine', async () => {
  await using proxy = await openProxy();
  const answer = await sendRaw(
    proxy.socketPath,
    `${head(create, host, json, 'Connection: close', `Content-Length: ${bytes}`)}${valid}`,
  );
  assert.match(answer, /^HTTP\/1\.1 201 Created\r\n/);
  assert.deepEqual(proxy.engine.recorded, [{ method: 'POST', target: '/containers/create', body: valid }]);
});

for (const [name, attack] of Object.entries(attacks)) {
  test(`the engine sees nothing of ${name}`, async () => {
    await using proxy = await openProxy({ limits: { requestTimeoutMs: 300 } });
    const answer = await sendRaw(proxy.socketPath, attack);
    assert.deepEqual(proxy.engine.recorded, []);
    // No answer at all is fine; a good one or a connection given away is not.
    assert.match(answer, /^(HTTP\/1\.1 4\d\d .*)?$/s);
    assert.doesNotMatch(answer, /^HTTP\/1\.1 [^4]/m);
  });
}

test('of two requests in one go neither the hidden one nor a mixture reaches the engine', async () => {
  await using proxy = await openProxy();
  const hidden = `${head(create, host, json, `Content-Length: ${privileged.length}`)}${privileged}`;
  await sendRaw(proxy.socketPath, `${head('GET /_ping HTTP/1.1', host, 'Content-Length: 0')}${hidden}`);
  await sendRaw(proxy.socketPath, `${head('GET /_ping HTTP/1.1', host)}${hidden}`);
  await sendRaw(proxy.socketPath, `${head(create, host, json, `Content-Length: ${bytes}`)}${valid}${hidden}`);
  assert.deepEqual(
    new Set(proxy.engine.recorded.map(({ body }) => body)).difference(new Set(['', valid])),
    new Set(),
  );
});

test('an upgrade behind an unanswered request ends the connection, and the proxy goes on', async () => {
  await using proxy = await openProxy();
  const upgrade = head('GET /session HTTP/1.1', host, 'Connection: Upgrade', 'Upgrade: tcp');
  await sendRaw(proxy.socketPath, `${head('GET /_ping HTTP/1.1', host)}${upgrade}`);
  const answer = await sendRaw(proxy.socketPath, head('GET /_ping HTTP/1.1', host, 'Connection: close'));
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
});

test('a request that does not come to its end is given up', async () => {
  await using proxy = await openProxy({ limits: { requestTimeoutMs: 200 } });
  const slow = [
    'GET /_ping HT',
    `${head(create, host, json, `Content-Length: ${bytes}`)}{`,
    `${head(`POST /exec/${id}/start HTTP/1.1`, host, json, 'Connection: Upgrade', 'Upgrade: tcp', 'Content-Length: 2')}{`,
  ];
  for (const beginning of slow) {
    const socket = net.connect(proxy.socketPath);
    socket.write(beginning);
    socket.resume();
    await once(socket, 'close', { signal: AbortSignal.timeout(5000) });
  }
  assert.deepEqual(proxy.engine.recorded, []);
});
