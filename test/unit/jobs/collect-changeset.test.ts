import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkspaceFile } from '../../../server/domain/changeset.ts';
import { AppError } from '../../../server/domain/errors.ts';
import type { BaseRepository } from '../../../server/domain/github.ts';
import type { FileMode, TreeFile } from '../../../server/domain/repository.ts';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { collectChangeset } from '../../../server/jobs/collect-changeset.ts';

const id = (letter: string) => letter.repeat(40);
const treeFile = (letter: string, mode: FileMode = '100644'): TreeFile => ({ mode, blobId: id(letter) });
const listed = (path: string, letter: string, size = 1): WorkspaceFile => ({
  path,
  ...treeFile(letter),
  size,
});

const collect = async (
  base: Record<string, TreeFile>,
  workspace: WorkspaceFile[],
  limits = { filesMax: 3, bytesMax: 100 },
) => {
  const fetched: string[][] = [];
  const asked: string[][] = [];
  const sandbox = {
    files: async (tracked: Iterable<string>) => {
      asked.push([...tracked]);
      return workspace;
    },
    contents: async (files: readonly WorkspaceFile[]) => {
      fetched.push(files.map(({ path }) => path));
      return files.map(({ path }) => Buffer.from(`content of ${path}`));
    },
  } satisfies Partial<Sandbox> as Partial<Sandbox> as Sandbox;
  const repository = { files: new Map(Object.entries(base)) } as Partial<BaseRepository> as BaseRepository;
  const changeset = await collectChangeset(
    sandbox,
    { base: repository, prompt: 'Change it', made: [] },
    limits,
    new AbortController().signal,
  );
  return { changeset, fetched, asked };
};

test('only what differs is fetched, and the files stand in the order of their paths', async () => {
  const base = { 'b.txt': treeFile('b'), 'gone.txt': treeFile('c'), 'same.txt': treeFile('d') };
  const workspace = [listed('same.txt', 'd'), listed('z.txt', 'e'), listed('b.txt', 'f')];
  assert.deepEqual(await collect(base, workspace), {
    changeset: {
      files: [
        { status: 'modified', path: 'b.txt', mode: '100644', content: Buffer.from('content of b.txt') },
        { status: 'deleted', path: 'gone.txt' },
        { status: 'added', path: 'z.txt', mode: '100644', content: Buffer.from('content of z.txt') },
      ],
      leftOut: [],
    },
    fetched: [['z.txt', 'b.txt']],
    asked: [['b.txt', 'gone.txt', 'same.txt']],
  });
});

test('nothing that is left out is fetched or counted', async () => {
  const workspace = ['1', '2', '3', '4'].map((name) => listed(`.github/workflows/${name}.yml`, 'a', 1_000));
  const { changeset, fetched } = await collect({}, workspace);
  assert.deepEqual(fetched, [[]]);
  assert.deepEqual([changeset.files, changeset.leftOut.length], [[], 4]);
});

const refused = (message: RegExp, whatToDo: RegExp) => (thrown: unknown) =>
  thrown instanceof AppError &&
  thrown.code === 'changeset_refused' &&
  message.test(thrown.message) &&
  whatToDo.test(thrown.whatToDo);

test('as many files as allowed pass, one more does not; deletions count', async () => {
  const gone = { 'gone.txt': treeFile('a') };
  const added = (count: number) => Array.from({ length: count }, (_, n) => listed(`${n}.txt`, 'b'));
  assert.equal((await collect(gone, added(2))).changeset.files.length, 3);
  await assert.rejects(
    collect(gone, added(3)),
    refused(/^4 files changed, more than the 3 allowed\.$/, /CHANGESET_FILES_MAX/),
  );
});

test('as many bytes as allowed pass, one more does not, and nothing of it is fetched', async () => {
  assert.equal((await collect({}, [listed('a', 'a', 40), listed('b', 'b', 60)])).changeset.files.length, 2);
  await assert.rejects(
    collect({}, [listed('a', 'a', 40), listed('b', 'b', 61)]),
    refused(/101 bytes, more than the 100 allowed/, /CHANGESET_MB_MAX/),
  );
});
