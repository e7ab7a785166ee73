import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Checkpoint } from '../../../server/domain/checkpoint.ts';
import { takeCheckpoint } from '../../../server/jobs/take-checkpoint.ts';

const limits = { filesMax: 3, bytesMax: 100 };
const signal = new AbortController().signal;
const id = (letter: string) => letter.repeat(40);
const file = (path: string, letter: string, size = 1) => {
  return { path, mode: '100644', blobId: id(letter), size } as const;
};
const base = {
  files: new Map([
    ['kept.md', { mode: '100644', blobId: id('a') } as const],
    ['gone.md', { mode: '100644', blobId: id('b') } as const],
  ]),
};

/** A workspace with these files, that tells which of them were fetched. */
const workspaceOf = (...files: ReturnType<typeof file>[]) => {
  const fetched: string[] = [];
  return {
    fetched,
    files: async () => files,
    contents: async (wanted: readonly { path: string }[]) => {
      fetched.push(...wanted.map(({ path }) => path));
      return wanted.map(({ path }) => Buffer.from(path));
    },
    blobs: async (ids: readonly string[]) => {
      fetched.push(...ids);
      return ids.map((blobId) => Buffer.from(blobId.slice(0, 1)));
    },
  };
};

test('a checkpoint holds what differs from the base, workflows too, and fetches nothing twice', async () => {
  const first = workspaceOf(file('kept.md', 'a'), file('.github/workflows/ci.yml', 'c'));
  const checkpoint = await takeCheckpoint(first, base, { last: undefined, made: [] }, limits, signal);
  const workflow = {
    ...file('.github/workflows/ci.yml', 'c'),
    content: Buffer.from('.github/workflows/ci.yml'),
  };
  const gone = { path: 'gone.md', mode: '100644', blobId: id('b'), content: Buffer.from('b') } as const;
  assert('files' in checkpoint);
  assert.deepEqual<Checkpoint>(checkpoint, { files: [workflow], deleted: ['gone.md'], base: [gone] });

  const second = workspaceOf(
    file('kept.md', 'a'),
    file('.github/workflows/ci.yml', 'c'),
    file('new.md', 'd'),
  );
  assert.deepEqual(await takeCheckpoint(second, base, { last: checkpoint, made: [] }, limits, signal), {
    files: [workflow, { ...file('new.md', 'd'), content: Buffer.from('new.md') }],
    deleted: ['gone.md'],
    base: [gone],
  });
  assert.deepEqual(second.fetched, ['new.md']);
});

test('names that no other workspace can be given are not in a checkpoint', async () => {
  const names = ['../out', '.git/config', 'a/.GIT/hooks/x', '/etc/passwd', 'not-\ufffd'];
  const workspace = workspaceOf(
    file('kept.md', 'a'),
    file('gone.md', 'b'),
    ...names.map((name) => file(name, 'e')),
  );
  const unlimited = { filesMax: 100, bytesMax: 100 };
  assert.deepEqual(await takeCheckpoint(workspace, base, { last: undefined, made: [] }, unlimited, signal), {
    files: [],
    deleted: [],
    base: [],
  });
});

test('a workspace that has changed too much says why it has no checkpoint, and nothing is fetched', async () => {
  const many = workspaceOf(file('a', 'c'), file('b', 'c'));
  assert.deepEqual(await takeCheckpoint(many, base, { last: undefined, made: [] }, limits, signal), {
    tooMuch: '4 files changed, more than 3',
  });
  const large = workspaceOf(file('kept.md', 'a'), file('gone.md', 'c', 101));
  assert.deepEqual(await takeCheckpoint(large, base, { last: undefined, made: [] }, limits, signal), {
    tooMuch: '101 bytes changed, more than 100',
  });
  assert.deepEqual([...many.fetched, ...large.fetched], []);
});
