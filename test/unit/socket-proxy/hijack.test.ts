import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { execBody, sandboxBody } from '../../support/socket-proxy/bounds.ts';
import { openProxy, type TestProxy } from '../../support/socket-proxy/proxy.ts';
import { execId, type OnHijack } from '../../support/socket-proxy/recording-engine.ts';
import { send, sendRaw } from '../../support/socket-proxy/send.ts';

/** The way of the production code: a container, an exec in it, and the connection as its stdio. */
const startExec = async (proxy: TestProxy): Promise<Socket> => {
  const docker = new Docker({ socketPath: proxy.socketPath });
  const container = await docker.createContainer(sandboxBody());
  const exec = await container.exec(execBody());
  return (await exec.start({ hijack: true, stdin: true, Tty: false })) as Socket;
};

const echo: OnHijack = (socket) => void socket.pipe(socket);

test('an exec’s stdin and stdout pass through, byte for byte, and the engine is told what was checked', async () => {
  await using proxy = await openProxy({ onHijack: echo });
  const socket = await startExec(proxy);
  const sent = randomBytes(20 << 20);
  const received = buffer(socket);
  socket.end(sent);
  assert.ok(sent.equals(await received));
  assert.deepEqual(proxy.engine.recorded.at(-1), {
    method: 'POST',
    target: `/exec/${execId}/start`,
    body: '{"Detach":false,"Tty":false}',
  });
});

test('after stdin has ended the output still arrives', async () => {
  await using proxy = await openProxy({
    onHijack: (socket) => {
      let given = '';
      socket.on('data', (chunk) => {
        given += chunk;
      });
      socket.once('end', () => void sleep(100).then(() => socket.end(`${given}, all of it`)));
    },
  });
  const socket = await startExec(proxy);
  const received = text(socket);
  socket.end('stdin');
  assert.equal(await received, 'stdin, all of it');
});

test('a reader who stops reading stops the engine’s writer', async () => {
  let written = 0;
  await using proxy = await openProxy({
    onHijack: (socket) => {
      const chunk = Buffer.alloc(1 << 16);
      while (written < 1 << 28 && socket.write(chunk)) written += chunk.length;
      const goOn = () => {
        do written += chunk.length;
        while (socket.write(chunk));
      };
      socket.on('drain', goOn);
    },
  });
  const socket = await startExec(proxy);
  socket.pause();
  await sleep(300);
  const stalledAt = written;
  await sleep(200);
  assert.equal(written, stalledAt);
  assert.ok(written < 8 << 20, `${written} bytes are on their way`);
  socket.destroy();
});

test('a hijacked connection outlives the time that the engine has for an answer', async () => {
  await using proxy = await openProxy({
    onHijack: echo,
    limits: { engineTimeoutMs: 100, requestTimeoutMs: 100 },
  });
  const socket = await startExec(proxy);
  await sleep(400);
  socket.write('still here');
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  assert.equal(chunk.toString(), 'still here');
  socket.destroy();
});

test('when one side is gone the other follows', async () => {
  const engineSides: Socket[] = [];
  await using proxy = await openProxy({
    onHijack: (socket) => void engineSides.push(socket.resume().on('error', () => {})),
  });
  const first = await startExec(proxy);
  const [engineSide] = engineSides as [Socket];
  first.destroy();
  await once(engineSide, 'end', { signal: AbortSignal.timeout(5000) });
  // Up to here it might be stdin alone that ended: only who writes learns that nobody is there.
  const closed = new Promise((resolve) => engineSide.once('close', resolve));
  while (engineSide.writable) {
    engineSide.write('output');
    await sleep(10);
  }
  await closed;

  const second = (await startExec(proxy)).resume();
  engineSides[1]?.destroy();
  await once(second, 'close', { signal: AbortSignal.timeout(5000) });
  assert.equal(engineSides.length, 2);
});

test('an exec whose container has stopped is answered with what the engine says', async () => {
  await using proxy = await openProxy();
  await assert.rejects(startExec(proxy), { message: /Container is not running/ });
});

test('the body may come in pieces, and what follows it is stdin', async () => {
  await using proxy = await openProxy({ onHijack: echo });
  const { socketPath } = proxy;
  await send(socketPath, 'POST', '/containers/create', JSON.stringify(sandboxBody()));
  await send(socketPath, 'POST', `/containers/${'a'.repeat(64)}/exec`, JSON.stringify(execBody()));
  const socket = net.connect(socketPath);
  const received = text(socket);
  const lines = [`POST /exec/${execId}/start HTTP/1.1`, 'Host: d', 'Content-Type: application/json'];
  const pieces = [
    [...lines, 'Connection: Upgrade', 'Upgrade: tcp', 'Content-Length: 13', '', '{"Tt'].join('\r\n'),
    'y":fal',
    'se}and the first of stdin',
    ', and the rest',
  ];
  for (const piece of pieces) {
    socket.write(piece);
    await sleep(30);
  }
  socket.end();
  assert.match(
    await received,
    /^HTTP\/1\.1 101 UPGRADED\r\n(.+\r\n)+\r\nand the first of stdin, and the rest$/,
  );
});

test('a client that leaves in the middle of anything does not end the proxy', async () => {
  await using proxy = await openProxy({ onHijack: echo });
  for (let round = 0; round < 20; round++) {
    const socket = net.connect(proxy.socketPath);
    socket.on('error', () => {});
    socket.write(`POST /exec/${execId}/start HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n`);
    socket.write('Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}');
    await sleep(round % 5);
    socket.destroy();
  }
  const answer = await sendRaw(
    proxy.socketPath,
    'GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n',
  );
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
});
