import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { listFiles } from '../../../server/github/list-files.ts';
import { scanPack } from '../../../server/github/scan-pack.ts';
import { limits } from '../../support/github.ts';
import { commit, makePack, objectId, type PackObject, seal, tree } from './make-pack.ts';
import { never, setUp } from './set-up.ts';

const blobId = 'ce013625030ba8dba906f756967f9e9ca394464a';
const root = tree(['100644', 'hello.txt', blobId]);
const start = commit(root);
const good = [start, root];

const scan = (pack: Buffer, id = objectId(start), changed: Partial<typeof limits> = {}) =>
  scanPack(pack, id, { ...limits, ...changed }, never);

const filesOf = async (objects: readonly PackObject[], id: string, changed: Partial<typeof limits> = {}) =>
  listFiles(await scan(makePack(objects), id, changed), { ...limits, ...changed }, never);

const refusal = (message: RegExp) => ({ name: 'AppError', code: 'base_refused', message });

test('git’s own pack of a commit and its trees gives every file', async () => {
  const names = [
    'a b.txt',
    '"quoted"',
    'ünïcode/日本.txt',
    '-dash',
    'deep/er/est/file',
    'deep.txt',
    'deep-er',
  ];
  await using scene = await setUp({
    files: {
      ...Object.fromEntries(names.map((name) => [name, `${name}\n`])),
      'run.sh': { content: '#!/bin/sh\n', executable: true },
      link: { symlink: 'run.sh' },
    },
  });
  const base = await scene.github.resolveBase({ owner: 'acme', name: 'shop' }, undefined, never);
  const scanned = await scan(await scene.pack(base), base.commit);
  const lines = (await scene.repository.git('ls-tree', '-r', '-z', base.commit)).split('\0').filter(Boolean);
  const expected = lines.map((line) => {
    const [, mode, id, path] = /^(\d+) \w+ ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
    return [path, { mode, blobId: id }];
  });
  assert.equal(expected.length, 9);
  assert.deepEqual(Object.fromEntries(await listFiles(scanned, limits, never)), Object.fromEntries(expected));
});

test('a submodule is a file with the mode 160000', async () => {
  const withModule = tree(['160000', 'lib', blobId]);
  const id = objectId(commit(withModule));
  const files = await filesOf([commit(withModule), withModule], id);
  assert.deepEqual([...files], [['lib', { mode: '160000', blobId }]]);
});

test('a commit without any file is a base, too', async () => {
  const empty = tree();
  assert.deepEqual([...(await filesOf([commit(empty), empty], objectId(commit(empty))))], []);
});

const blob: PackObject = { type: 'blob', content: Buffer.from('hello\n') };
const tag: PackObject = { type: 'tag', content: Buffer.from(`object ${blobId}\n`) };
const offsetDelta: PackObject = { type: 'ofs-delta', content: Buffer.from([1, 2, 3]) };
const referenceDelta: PackObject = { type: 'ref-delta', content: Buffer.from([1, 2, 3]) };
const other = commit(root, 'Other');
const lyingTree: PackObject = { ...root, declares: root.content.length - 1 };
const boastingTree: PackObject = { ...root, declares: root.content.length + 9 };
const noTree: PackObject = { type: 'commit', content: Buffer.from('author nobody\n\n') };

const hostile: readonly [what: string, pack: Buffer, message: RegExp, id?: string][] = [
  ['nothing', Buffer.alloc(0), /cut off/],
  ['something that is no pack', Buffer.from('<html>'.repeat(20)), /no pack/],
  ['a pack of version 3', makePack(good, { version: 3 }), /no pack of version 2/],
  ['a giant count', makePack(good, { count: 0xffffffff }), /more than 10000 objects/],
  ['a count beyond what is there', makePack(good, { count: 3 }), /cut off/],
  ['a count below what is there', makePack(good, { count: 1 }), /left over/],
  ['a blob', makePack([...good, blob]), /a blob/],
  ['a tag', makePack([...good, tag]), /a tag/],
  ['a delta by offset', makePack([...good, offsetDelta]), /offset delta/],
  ['a delta by reference', makePack([...good, referenceDelta]), /reference delta/],
  ['two commits', makePack([...good, other]), /the commit [0-9a-f]{40}, but the base is/],
  ['another commit', makePack([other, root]), /the commit [0-9a-f]{40}, but the base is/],
  ['no commit', makePack([root]), /lacks the base commit/],
  ['the same tree twice', makePack([...good, root]), /twice/],
  ['a commit without a tree', makePack([noTree]), /names no tree/, objectId(noTree)],
  ['a tree that is longer than it says', makePack([start, lyingTree]), /inflated to the size|another size/],
  ['a tree that is shorter than it says', makePack([start, boastingTree]), /another size/],
  [
    'bytes that do not inflate',
    makePack([start, { ...root, deflated: Buffer.alloc(40, 7) }]),
    /cannot be inflated/,
  ],
  ['half a pack', seal([makePack(good).subarray(0, 100)]), /cannot be inflated|cut off/],
  ['a wrong checksum', Buffer.concat([makePack(good).subarray(0, -1), Buffer.from([0])]), /checksum/],
];

for (const [what, pack, message, id] of hostile) {
  test(`a base that has ${what} is refused`, async () => {
    await assert.rejects(scan(pack, id), refusal(message));
  });
}

test('the limits of bytes hold for the pack and for each object', async () => {
  await assert.rejects(
    scan(makePack(good), undefined, { packBytesMax: 100 }),
    refusal(/more than 100 bytes/),
  );
  await assert.rejects(
    scan(makePack(good), undefined, { objectBytesMax: 30 }),
    refusal(/more than 30 bytes/),
  );
});

test('a small bomb of two gigabytes is refused before it is inflated', async () => {
  const bomb: PackObject = {
    type: 'tree',
    content: Buffer.alloc(0),
    declares: 2 * 2 ** 30,
    deflated: deflateSync(Buffer.alloc(64 << 20)),
  };
  const before = process.memoryUsage().rss;
  await assert.rejects(scan(makePack([start, bomb])), refusal(/more than 1048576 bytes/));
  const bombThatLies = { ...bomb, declares: 1000 };
  await assert.rejects(scan(makePack([start, bombThatLies])), refusal(/cannot be inflated/));
  assert.ok(process.memoryUsage().rss - before < 100 << 20);
});

test('many objects below the limit of one do not make a bomb together', async () => {
  const filler = Array.from({ length: 40 }, (_, index): PackObject => {
    const content = Buffer.alloc(1 << 20);
    content.writeUInt32BE(index);
    return { type: 'tree', content };
  });
  const changed = { packBytesMax: 1 << 20 };
  await assert.rejects(scan(makePack([start, ...filler]), undefined, changed), refusal(/without an end/));
});

test('a scan ends when its job does', async () => {
  const filler = Array.from({ length: 40 }, (_, index): PackObject => {
    const content = Buffer.alloc(1 << 20);
    content.writeUInt32BE(index);
    return { type: 'tree', content };
  });
  const stop = new AbortController();
  const scanning = scanPack(makePack([start, ...filler]), objectId(start), limits, stop.signal);
  stop.abort(new Error('The job was cancelled.'));
  await assert.rejects(scanning, { message: 'The job was cancelled.' });
});

test('a few kilobytes of shared trees that name billions of files are refused at once', async () => {
  const trees = [tree(...names(10, (name) => ['100644', name, blobId]))];
  for (let level = 0; level < 12; level += 1) {
    const below = objectId(trees[level] ?? root);
    trees.push(tree(...names(10, (name) => ['40000', name, below])));
  }
  const top = trees.at(-1) ?? root;
  const started = performance.now();
  await assert.rejects(
    filesOf([commit(top), ...trees], objectId(commit(top))),
    refusal(/more than 10000 paths/),
  );
  assert.ok(performance.now() - started < 1000);
});

test('trees nested deeper than allowed are refused', async () => {
  const trees = [root];
  for (let level = 0; level < 60; level += 1)
    trees.push(tree(['40000', 'd', objectId(trees[level] ?? root)]));
  const top = trees.at(-1) ?? root;
  await assert.rejects(
    filesOf([commit(top), ...trees], objectId(commit(top))),
    refusal(/more than 50 directories/),
  );
});

test('long names on deep paths do not fill the memory', async () => {
  const trees = [tree(...names(400, (name) => ['100644', name, blobId]))];
  for (let level = 0; level < 40; level += 1) {
    trees.push(tree(['40000', 'n'.repeat(255), objectId(trees[level] ?? root)]));
  }
  const top = trees.at(-1) ?? root;
  const changed = { basePathsMax: 1000 };
  await assert.rejects(
    filesOf([commit(top), ...trees], objectId(commit(top)), changed),
    refusal(/paths are too long/),
  );
});

test('a missing tree is refused', async () => {
  const top = tree(['40000', 'src', objectId(root)]);
  await assert.rejects(
    filesOf([commit(top), top], objectId(commit(top))),
    refusal(/tree of «\/src\/» is missing/),
  );
});

test('a malformed tree is refused', async () => {
  const cut: PackObject = { type: 'tree', content: root.content.subarray(0, -1) };
  await assert.rejects(filesOf([commit(cut), cut], objectId(commit(cut))), refusal(/malformed/));
});

const evilNames = [
  '',
  '.',
  '..',
  '.git',
  '.GIT',
  '.Git',
  '.git ',
  '.git.',
  '.git. .',
  '.g\u200cit',
  '\ufeff.git',
  '.git::$INDEX_ALLOCATION',
  'git~1',
  'GIT~2',
  'a/b',
  '../up',
  '/etc/passwd',
  'a\\b',
  'n'.repeat(256),
];

for (const name of evilNames) {
  test(`a file named ${JSON.stringify(name.slice(0, 40))} is refused`, async () => {
    const evil = tree(['100644', name, blobId]);
    await assert.rejects(filesOf([commit(evil), evil], objectId(commit(evil))), refusal(/the name/));
  });
}

test('names that only look evil pass', async () => {
  const fine = ['...', '.github', '.gitignore', '.gitmodules', 'git', 'git~', 'n'.repeat(255)];
  const innocent = tree(...fine.map((name) => ['100644', name, blobId] as const));
  const files = await filesOf([commit(innocent), innocent], objectId(commit(innocent)));
  assert.deepEqual([...files.keys()], fine);
});

test('two entries of one name are refused, also when they differ in bytes that are not UTF-8', async () => {
  const twice = tree(['100644', 'a', blobId], ['100644', 'a', objectId(root)]);
  await assert.rejects(filesOf([commit(twice), twice], objectId(commit(twice))), refusal(/two entries/));
  const alike = tree(['100644', Buffer.from([0xff]), blobId], ['100644', Buffer.from([0xfe]), blobId]);
  await assert.rejects(filesOf([commit(alike), alike], objectId(commit(alike))), refusal(/two entries/));
});

test('a mode that git does not know is refused', async () => {
  const device = tree(['60644', 'sda', blobId]);
  await assert.rejects(filesOf([commit(device), device], objectId(commit(device))), refusal(/mode 60644/));
});

type Entry = readonly [string, string, string];

function names(count: number, entry: (name: string) => Entry): Entry[] {
  return Array.from({ length: count }, (_, index) => entry(`f${String(index).padStart(4, '0')}`));
}
