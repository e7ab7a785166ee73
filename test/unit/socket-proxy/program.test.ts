import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { spawnProxy, startProxy } from '../../support/socket-proxy/program.ts';
import { openRecordingEngine } from '../../support/socket-proxy/recording-engine.ts';
import { send } from '../../support/socket-proxy/send.ts';

test('the program’s socket is for its user and group only, replaces a dead one, and goes with it', async () => {
  await using engine = await openRecordingEngine();
  const socketPath = path.join(engine.directory, 'proxy.sock');
  const settings = {
    SOCKET_PROXY_LISTEN: `unix://${socketPath}`,
    SOCKET_PROXY_ENGINE: `unix://${engine.socketPath}`,
  };
  {
    await using killed = await startProxy(settings);
    killed.process.kill('SIGKILL');
    await once(killed.process, 'exit');
  }
  assert.ok(existsSync(socketPath));
  {
    await using _ = await startProxy(settings);
    assert.equal(((await stat(socketPath)).mode & 0o777).toString(8), '660');
    const answers = [await send(socketPath, 'GET', '/_ping'), await send(socketPath, 'GET', '/images/json')];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 403],
    );
  }
  assert.ok(!existsSync(socketPath));
});

test('a file that is no socket is not replaced', async () => {
  await using engine = await openRecordingEngine();
  const file = path.join(engine.directory, 'proxy.sock');
  await writeFile(file, 'something of value');
  const child = spawnProxy({ SOCKET_PROXY_LISTEN: `unix://${file}` });
  const [[exitCode], errors] = await Promise.all([
    once(child, 'exit'),
    text(child.stderr as NodeJS.ReadableStream),
  ]);
  assert.equal(exitCode, 1);
  assert.match(errors, /EADDRINUSE/);
  assert.ok((await stat(file)).isFile());
});

test('wrong settings end the program with one message', async () => {
  const child = spawnProxy({ SANDBOX_PIDS_MAX: 'x' });
  const [[exitCode], errors] = await Promise.all([
    once(child, 'exit'),
    text(child.stderr as NodeJS.ReadableStream),
  ]);
  assert.equal(exitCode, 1);
  assert.match(errors, /^The socket proxy cannot start with these settings:\n\n {2}SANDBOX_PIDS_MAX: .*\n$/);
});
