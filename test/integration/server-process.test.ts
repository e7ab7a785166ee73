import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startServerProcess } from '../support/server-process.ts';

/** Not the directory of the tests: each server has its own database. */
const dataIn = (directory: string) => ({ DATA_DIR: path.join(directory, 'data') });
const needed = { ANTHROPIC_API_KEY: 'sk-ant-0123456789', GITHUB_TOKEN: 'ghp_0123456789' };

/** A directory with this .env in it. */
const directoryWith = async (env: string) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'settings-'));
  await writeFile(path.join(directory, '.env'), env);
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
};

/** The code of the answer to a request with this key. */
const statusWith = async (url: string, key: string): Promise<number> =>
  (await fetch(`${url}/jobs/none`, { headers: { authorization: `Bearer ${key}` } })).status;

test('the server reads .env, and the environment goes before it', async () => {
  await using file = await directoryWith(
    Object.entries({ ...needed, API_KEYS: 'key-of-the-file-0', PUBLIC_URL: 'no URL', DATA_DIR: 'data' })
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const settings = { PUBLIC_URL: 'https://backspace.example' };
  await using fromFile = await startServerProcess(settings, file.directory);
  assert.deepEqual(
    [await statusWith(fromFile.url, 'key-of-the-file-0'), await statusWith(fromFile.url, 'another')],
    [404, 401],
  );
  await using before = await startServerProcess(
    { ...settings, ...dataIn(path.join(file.directory, 'other')), API_KEYS: 'key-of-the-environment-0' },
    file.directory,
  );
  assert.deepEqual(
    [
      await statusWith(before.url, 'key-of-the-file-0'),
      await statusWith(before.url, 'key-of-the-environment-0'),
    ],
    [401, 404],
  );
});

test('a port that is taken is said in one line, and the server ends with exit code 1', async () => {
  await using other = createServer();
  await once(other.listen(0, '127.0.0.1'), 'listening');
  const { port } = other.address() as AddressInfo;
  await using file = await directoryWith('');
  const settings = { ...needed, ...dataIn(file.directory), PORT: String(port) };
  await assert.rejects(startServerProcess(settings), (error: Error) => {
    const [first, , ...said] = error.message.trimEnd().split('\n');
    assert.equal(first, 'The server did not start (exit code 1):');
    assert.deepEqual(said, [
      `The server cannot listen with HOST=127.0.0.1 and PORT=${port}: listen EADDRINUSE: address already in use 127.0.0.1:${port}. Stop what listens there, or set others.`,
    ]);
    return true;
  });
});

test('a database that cannot be reached is said in one line, without its password', async () => {
  const url = 'postgres://user:hunter2-hunter2@127.0.0.1:1/jobs';
  await assert.rejects(startServerProcess({ ...needed, DATABASE_URL: url }), (error: Error) => {
    const said = error.message.trimEnd().split('\n').slice(1);
    assert.deepEqual(said, [
      'The server cannot use its database: connect ECONNREFUSED 127.0.0.1:1. Check that it runs, and that DATABASE_URL leads to it.',
    ]);
    return true;
  });
});
