import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { sharedCluster } from '../support/postgres/shared.ts';
import { startServerProcess } from '../support/server-process.ts';
import { until } from '../unit/http/serve.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** `npm run keys` without npm, away from a .env of the developer's. */
const runKeys = (settings: Record<string, string>, ...words: string[]) =>
  new Promise<{ exitCode: unknown; stdout: string; stderr: string }>((resolve) => {
    const options = { env: { PATH: process.env.PATH ?? '', ...settings }, cwd: import.meta.dirname };
    execFile(
      process.execPath,
      [path.join(root, 'server/main.ts'), 'keys', ...words],
      options,
      (error, ...said) => resolve({ exitCode: error?.code ?? 0, stdout: said[0], stderr: said[1] }),
    );
  });

const keyIn = (stdout: string): string => /^tb_\S+$/m.exec(stdout)?.[0] ?? assert.fail(stdout);

/** Serves the API alone, so it needs no Docker. */
const web = { ROLE: 'web', ANTHROPIC_API_KEY: 'sk-ant-0123456789', GITHUB_TOKEN: 'ghp_0123456789' };

const statusWith = async (url: string, key?: string): Promise<number> =>
  (await fetch(`${url}/jobs`, { headers: key === undefined ? {} : { authorization: `Bearer ${key}` } }))
    .status;

const temporaryDirectory = async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'keys-'));
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
};

test('beyond loopback a server starts with a key in its database, and without any says what to do', async () => {
  await using data = await temporaryDirectory();
  const settings = { DATA_DIR: path.join(data.directory, 'data') };
  const outside = { ...web, ...settings, HOST: '0.0.0.0' };
  await assert.rejects(startServerProcess(outside), (error: Error) => {
    assert.match(error.message, /^The server did not start \(exit code 1\):$/m);
    assert.match(
      error.message,
      /^The server cannot start: without an API key .* HOST is 0\.0\.0\.0\. Set API_KEYS, make a key with «npm run keys -- add NAME», or set HOST=127\.0\.0\.1\.$/m,
    );
    return true;
  });

  const added = await runKeys(settings, 'add', 'me');
  assert.deepEqual([added.exitCode, added.stderr], [0, '']);
  {
    await using server = await startServerProcess(outside);
    const url = server.url.replace('0.0.0.0', '127.0.0.1');
    assert.deepEqual([await statusWith(url), await statusWith(url, keyIn(added.stdout))], [401, 200]);
    assert.match(server.log(), /"access":"1 API keys"/);

    // One process at a time has the directory.
    const refused = await runKeys(settings, 'list');
    assert.deepEqual([refused.exitCode, refused.stdout], [1, '']);
    assert.match(
      refused.stderr,
      /^DATA_DIR .* is in use by process \d+: .* stop it, give this command again/,
    );
  }
  assert.deepEqual([(await runKeys(settings, 'revoke', 'me')).exitCode], [0]);
  await assert.rejects(startServerProcess(outside), /without an API key/);
});

test('on a PostgreSQL keys are made and revoked while a server runs', async () => {
  const settings = { DATABASE_URL: await (await sharedCluster()).createDatabase() };
  await using server = await startServerProcess({ ...web, ...settings });
  assert.equal(await statusWith(server.url), 200);
  assert.match(server.log(), /"access":"loopback only, since there is no API key: /);
  const key = keyIn((await runKeys(settings, 'add', 'me', '--running', '2')).stdout);
  await until(async () => (await statusWith(server.url)) === 401);
  assert.equal(await statusWith(server.url, key), 200);
  assert.match((await runKeys(settings, 'list')).stdout, /^me {2}tb_[0-9a-f]{12}_… .* {2}2 running {2}all /);
  assert.equal((await runKeys(settings, 'revoke', 'me')).exitCode, 0);
  await until(async () => (await statusWith(server.url, key)) === 401);
});

test('a database that is away, or words that mean nothing, are said in one line', async () => {
  const away = await runKeys({ DATABASE_URL: 'postgres://127.0.0.1:1/none' }, 'list');
  assert.deepEqual(away, { exitCode: 1, stdout: '', stderr: 'The database cannot be reached.\n' });
  const unknown = await runKeys({}, 'ad', 'me');
  assert.deepEqual([unknown.exitCode, unknown.stdout], [1, '']);
  assert.match(unknown.stderr, /^npm run keys -- add NAME /);
});
