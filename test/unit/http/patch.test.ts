import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { Checkpoint } from '../../../server/domain/checkpoint.ts';
import { renderPatch } from '../../../server/http/patch.ts';
import { type Random, startRandom, times } from '../../support/sample.ts';

type File = { mode: '100644' | '100755' | '120000'; content: Buffer };
type Tree = Map<string, File>;

const blobId = (content: Uint8Array): string =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');

/** What a job would have stored that made the second tree of the first. */
const checkpointOf = (before: Tree, after: Tree, isKnown: (path: string) => boolean): Checkpoint => {
  const changed = [...after].filter(([name, { mode, content }]) => {
    const old = before.get(name);
    return old?.mode !== mode || !old.content.equals(content);
  });
  const deleted = [...before.keys()].filter((name) => !after.has(name));
  const base = [...changed.map(([name]) => name), ...deleted].flatMap((name) => {
    const file = before.get(name);
    if (file === undefined) return [];
    const { mode, content } = file;
    return [{ path: name, mode, blobId: blobId(content), ...(isKnown(name) && { content }) }];
  });
  const files = changed.map(([name, { mode, content }]) => {
    return { path: name, mode, blobId: blobId(content), size: content.length, content };
  });
  return { files, deleted, base };
};

/** A repository whose index holds the tree; a patch is applied to that, since a disk may not take every name. */
const openIndex = (tree: Tree) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'patch-'));
  const git = (args: string[], input?: Buffer) =>
    execFileSync('git', args, { cwd: directory, ...(input && { input }), stdio: ['pipe', 'pipe', 'pipe'] });
  git(['init', '--quiet']);
  for (const [name, { mode, content }] of tree) {
    git(['hash-object', '-w', '--stdin'], content);
    git(['update-index', '--add', '--cacheinfo', `${mode},${blobId(content)},${name}`]);
  }
  return {
    apply: (patch: Buffer) => git(['apply', '--cached', '--whitespace=nowarn', '-'], patch),
    list: () =>
      git(['ls-files', '-z', '--stage'])
        .toString()
        .split('\0')
        .filter(Boolean)
        .map((line) => line.split('\t'))
        .map(([stage = '', ...name]) => `${stage.split(' ').slice(0, 2).join(' ')} ${name.join('\t')}`)
        .toSorted(),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
};

const listOf = (tree: Tree): string[] =>
  [...tree].map(([name, { mode, content }]) => `${mode} ${blobId(content)} ${name}`).toSorted();

const assertApplies = (before: Tree, after: Tree, isKnown = (_: string) => true): Buffer => {
  const patch = renderPatch(checkpointOf(before, after, isKnown));
  using index = openIndex(before);
  if (patch.length > 0) index.apply(patch);
  assert.deepEqual(index.list(), listOf(after), patch.toString());
  return patch;
};

const file = (content: string | Buffer, mode: File['mode'] = '100644'): File => ({
  mode,
  content: Buffer.from(content),
});

test('the patch of an edit is what git would show', () => {
  const before = new Map([['src/app.py', file('one\ntwo\nthree\nfour\nfive\nsix\n')]]);
  const after = new Map([['src/app.py', file('one\ntwo\nthree\nfour\n5\nsix\n', '100755')]]);
  const [old, fresh] = [before, after].map((tree) =>
    blobId(tree.get('src/app.py')?.content ?? assert.fail()),
  );
  assert.equal(
    assertApplies(before, after).toString(),
    `diff --git a/src/app.py b/src/app.py
old mode 100644
new mode 100755
index ${old}..${fresh}
--- a/src/app.py
+++ b/src/app.py
@@ -2,5 +2,5 @@
 two
 three
 four
-five
+5
 six
`,
  );
});

test('a job that has changed nothing has an empty patch', () => {
  assert.equal(renderPatch(undefined).length, 0);
  assert.equal(renderPatch({ files: [], deleted: [], base: [] }).length, 0);
});

test('where the base is not known, or no text, the whole new content is in the patch, and git takes it', () => {
  const before = new Map([
    ['known.bin', file(Buffer.from([0, 1, 2, 255]))],
    ['unknown.txt', file('before\n')],
    ['gone.txt', file('gone\n')],
  ]);
  const after = new Map([
    ['known.bin', file(Buffer.alloc(5000, 7))],
    ['unknown.txt', file('after\n')],
  ]);
  const patch = assertApplies(before, after, (name) => name === 'known.bin').toString();
  assert.equal(patch.match(/GIT binary patch/g)?.length, 3);
});

const names = ['a.txt', 'with space.md', 'ü/ñ.txt', 'quo"te', 'tab\tnew\nline', 'back\\slash', 'dir/b', 'Z'];

const randomFile = (random: Random): File => {
  const kind = Math.floor(random() * 5);
  const mode = random() < 0.3 ? '100755' : '100644';
  const lines = Array.from({ length: Math.floor(random() * 30) }, () => `${Math.floor(random() * 4)}`);
  if (kind === 0) return file(`to/${lines.length}`, '120000');
  if (kind === 1) return file(Buffer.from(lines.map(Number)), mode);
  if (kind === 2) return file('', mode);
  return file(lines.join('\n') + (random() < 0.5 ? '\n' : ''), mode);
};

const randomTree = (random: Random): Tree =>
  new Map(names.filter(() => random() < 0.6).map((name) => [name, randomFile(random)]));

test('git makes the new tree of the old one by the patch, whatever has changed', () => {
  const random = startRandom('patches');
  for (let round = 0; round < times(15, 300); round++) {
    const before = randomTree(random);
    const after = randomTree(random);
    for (const [name, kept] of before) if (random() < 0.3) after.set(name, kept);
    assertApplies(before, after, () => random() < 0.8);
  }
});
