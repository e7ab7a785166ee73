import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { openTemporaryDirectory } from '../../server/temporary-directory.ts';

const inDirectory = async (act: (parent: string) => Promise<void>): Promise<void> => {
  const parent = await mkdtemp(path.join(tmpdir(), 'temporary-test-'));
  try {
    await act(parent);
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
};

/** The number of a process that has ended. */
const deadPid = (): number => spawnSync('true').pid;

test('a process has a directory of its own, which nobody else may enter and which goes with it', () =>
  inDirectory(async (parent) => {
    const temporary = await openTemporaryDirectory(parent);
    assert.equal(path.dirname(temporary.path), parent);
    assert.equal((await stat(temporary.path)).mode & 0o777, 0o700);
    await writeFile(path.join(temporary.path, 'file'), '');
    await temporary[Symbol.asyncDispose]();
    assert.deepEqual(await readdir(parent), []);
  }));

test('what killed processes have left goes, and nothing else', () =>
  inDirectory(async (parent) => {
    const others = [
      `tiny-backspace-${process.ppid}-alive`,
      `tiny-backspace-sources-${deadPid()}`,
      `other-${deadPid()}-x`,
    ];
    const left = [`tiny-backspace-${deadPid()}-abc123`, `tiny-backspace-${process.pid}-abc123`];
    for (const name of [...others, ...left])
      await mkdir(path.join(parent, name, 'base'), { recursive: true });
    const link = `tiny-backspace-${deadPid()}-link`;
    await symlink(path.join(parent, others[0] ?? ''), path.join(parent, link));
    await using temporary = await openTemporaryDirectory(parent);
    assert.deepEqual(
      (await readdir(parent)).toSorted(),
      [...others, link, path.basename(temporary.path)].toSorted(),
    );
    assert.deepEqual(await readdir(path.join(parent, others[0] ?? '')), ['base']);
  }));
