import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const script = path.resolve(import.meta.dirname, '../../../sandbox-image/register-runtime.mjs');
const ours = { path: '/usr/bin/runsc', runtimeArgs: ['--network=none'] };

const register = (file: string) =>
  execute(process.execPath, [script, file, 'runsc-backspace', '/usr/bin/runsc']);
const temporary = () => mkdtempDisposable(path.join(os.tmpdir(), 'daemon-json-'));
const readJson = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'));

test('a host without daemon.json gets one with our runtime alone', async () => {
  await using directory = await temporary();
  const file = path.join(directory.path, 'docker/daemon.json');
  await register(file);
  assert.deepEqual(await readJson(file), { runtimes: { 'runsc-backspace': ours } });
});

test('other settings and the host’s own runsc stay as they are, and the first version is kept', async () => {
  await using directory = await temporary();
  const file = path.join(directory.path, 'daemon.json');
  const before = { 'log-driver': 'local', runtimes: { runsc: { path: '/opt/runsc' } } };
  await writeFile(file, JSON.stringify(before));
  await register(file);
  assert.deepEqual(await readJson(file), {
    'log-driver': 'local',
    runtimes: { runsc: { path: '/opt/runsc' }, 'runsc-backspace': ours },
  });
  const backup = (await readdir(directory.path)).find((name) => name !== 'daemon.json') ?? '';
  assert.deepEqual(await readJson(path.join(directory.path, backup)), before);
});

test('a second run changes nothing', async () => {
  await using directory = await temporary();
  const file = path.join(directory.path, 'daemon.json');
  await register(file);
  const first = await readFile(file, 'utf8');
  await register(file);
  assert.equal(await readFile(file, 'utf8'), first);
  assert.deepEqual(await readdir(directory.path), ['daemon.json']);
});

test('a daemon.json that is not JSON is refused and left as it is', async () => {
  await using directory = await temporary();
  const file = path.join(directory.path, 'daemon.json');
  await writeFile(file, '{ "runtimes": ');
  await assert.rejects(register(file), /daemon\.json/);
  assert.equal(await readFile(file, 'utf8'), '{ "runtimes": ');
});
