import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compareWithBase,
  type Difference,
  restorableDifferences,
  type WorkspaceFile,
} from '../../../server/domain/changeset.ts';
import type { FileMode, TreeFile } from '../../../server/domain/repository.ts';

/** A file is said as `letter` or `letter:mode`; the letter stands for its content. */
const treeFile = (text: string): TreeFile => {
  const [letter = '', mode = '100644'] = text.split(':');
  return { mode: mode as FileMode, blobId: letter.repeat(40) };
};

type Listing = Record<string, string>;

const listing = (workspace: Listing) =>
  Object.entries(workspace).map(([path, text]): WorkspaceFile => ({ path, ...treeFile(text), size: 1 }));

const tree = (base: Listing) => new Map(Object.entries(base).map(([path, text]) => [path, treeFile(text)]));

const said = ({ changed, deleted }: Pick<Difference, 'changed' | 'deleted'>) => ({
  changed: changed.map(({ status, path, mode }) => `${status} ${path} ${mode}`),
  deleted,
});

const compare = (base: Listing, workspace: Listing) => {
  const difference = compareWithBase(tree(base), listing(workspace), 'Change it');
  return { ...said(difference), leftOut: difference.leftOut };
};

const compareForCheckpoint = (base: Listing, workspace: Listing) =>
  said(restorableDifferences(tree(base), listing(workspace)));

const workflowRule = 'workflows and actions are not changed by the agent';
const pathRule = 'not a path that a commit may hold';
const submoduleRule = 'it lies in a submodule';
const belowRule = 'files below it are not changed by the agent';

test('the same files are no difference, whatever their order', () => {
  const files = { a: 'a', 'b/c': 'b:100755', d: 'c:120000' };
  const turned = Object.fromEntries(Object.entries(files).reverse());
  assert.deepEqual(compare(files, turned), { changed: [], deleted: [], leftOut: [] });
});

test('what lies deeper than a base may be is left out, and costs nothing', () => {
  const directories = (count: number) => 'd/'.repeat(count);
  const files = Object.fromEntries(
    Array.from({ length: 5_000 }, (_, index) => [`${directories(1_900)}${index}`, 'a']),
  );
  const { changed, deleted, leftOut } = compare({ keep: 'a' }, { keep: 'a', ...files });
  assert.deepEqual({ changed, deleted }, { changed: [], deleted: [] });
  assert.equal(leftOut.length, 51);
  const atMost = compare({}, { [`${directories(64)}a`]: 'a', [`${directories(65)}b`]: 'a' });
  assert.deepEqual(atMost.changed, [`added ${directories(64)}a 100644`]);
});

test('added, modified, deleted, another mode, another kind', () => {
  assert.deepEqual(
    compare(
      { content: 'a', mode: 'a', kind: 'a', gone: 'a', 'file-to-directory': 'a', 'directory-to-file/x': 'a' },
      {
        content: 'b',
        mode: 'a:100755',
        kind: 'a:120000',
        new: 'a',
        'file-to-directory/x': 'a',
        'directory-to-file': 'a',
      },
    ),
    {
      changed: [
        'modified content 100644',
        'modified mode 100755',
        'modified kind 120000',
        'added new 100644',
        'added file-to-directory/x 100644',
        'added directory-to-file 100644',
      ],
      deleted: ['gone', 'file-to-directory', 'directory-to-file/x'],
      leftOut: [],
    },
  );
});

test('what is said to lie below a file or a link is not there, in a commit and in a checkpoint', () => {
  const base = { kept: 'k:120000', turned: 'a', 'docs/guide': 'a', 'docs/sub/more': 'a', 'other/x': 'a' };
  const below = {
    'kept/hooks/x': 'x',
    'turned/config': 'x',
    'docs/new': 'x',
    'docs/guide': 'a',
    'docs/sub/more': 'a',
  };
  const listed = {
    kept: 'k:120000',
    turned: 'g:120000',
    docs: 'd:120000',
    ...below,
    'other/x': 'a',
    'docsy/x': 'x',
  };
  const differences = {
    changed: ['modified turned 120000', 'added docs 120000', 'added docsy/x 100644'],
    deleted: ['docs/guide', 'docs/sub/more'],
  };
  assert.deepEqual(compare(base, listed), { ...differences, leftOut: [] });
  assert.deepEqual(compareForCheckpoint(base, listed), differences);
});

test('a link in the place of the workflows is left out, though they are said to be there still', () => {
  const workflow = { '.github/workflows/ci.yml': 'a' };
  for (const place of ['.github', '.github/workflows']) {
    const reason = place === '.github' ? belowRule : workflowRule;
    const { changed, deleted, leftOut } = compare(workflow, { ...workflow, [place]: 'l:120000' });
    assert.deepEqual({ changed, deleted }, { changed: [], deleted: [] });
    assert.deepEqual(
      new Set(leftOut),
      new Set([
        { path: place, reason },
        { path: '.github/workflows/ci.yml', reason: workflowRule },
      ]),
    );
  }
});

for (const path of [
  '.github/workflows/ci.yml',
  '.github/workflows/deep/er.yml',
  '.github/actions/build/action.yml',
  '.github/workflows',
  '.github/actions',
  '.GitHub/Workflows/ci.yml',
  '.github/ACTIONS/x',
  '.g\u200cithub/work\u200dflows/x',
  '.github./workflows /x',
  '.github::$INDEX_ALLOCATION/workflows:x/y',
  'GITHUB~1/WORKFL~2/x',
  '.github/action~1/x',
]) {
  test(`${path} is left out, whether added, changed or deleted`, () => {
    const leftOut = [{ path, reason: workflowRule }];
    const nothing = { changed: [], deleted: [], leftOut };
    assert.deepEqual(compare({}, { [path]: 'a' }), nothing);
    assert.deepEqual(compare({ [path]: 'a' }, { [path]: 'b' }), nothing);
    assert.deepEqual(compare({ [path]: 'a' }, { [path]: 'a:100755' }), nothing);
    assert.deepEqual(compare({ [path]: 'a' }, {}), nothing);
    assert.deepEqual(compare({ [path]: 'a' }, { [path]: 'a' }), { changed: [], deleted: [], leftOut: [] });
  });
}

for (const path of [
  '.github/workflows.md',
  '.github/dependabot.yml',
  'docs/.github/workflows/ci.yml',
  '.github-workflows/x',
  'github/workflows/ci.yml',
  '.github/workflows~1/x',
  '.github/workfl~10/x',
  '.github/ workflows/x',
]) {
  test(`${path} may be changed`, () => {
    assert.deepEqual(compare({}, { [path]: 'a' }), {
      changed: [`added ${path} 100644`],
      deleted: [],
      leftOut: [],
    });
  });
}

for (const path of [
  '.git/config',
  'a/.git/hooks/x',
  'a/.GIT',
  '.Git',
  '.g\u200cit/config',
  '.git /config',
  'a/.git::$DATA',
  'GIT~1/config',
  'a/.\u200d./b',
  '../x',
  'a/../b',
  './x',
  '/x',
  'a//b',
  '',
]) {
  test(`«${path}» is no path that a commit may hold`, () => {
    assert.deepEqual(compare({}, { [path]: 'a' }), {
      changed: [],
      deleted: [],
      leftOut: [{ path, reason: pathRule }],
    });
  });
}

for (const path of [
  '.gitignore',
  '.gitmodules',
  'a/.github',
  '...',
  'a/..b',
  '-x',
  'a b',
  'x.git/y',
  'git',
  '.gi~1',
  '~',
  'a:b',
]) {
  test(`«${path}» is an ordinary path`, () => {
    assert.deepEqual(compare({}, { [path]: 'a' }).leftOut, []);
  });
}

test('a submodule stays as it is: its empty directory is no deletion, and nothing is put into it', () => {
  assert.deepEqual(compare({ 'lib/sub': 's:160000' }, {}), { changed: [], deleted: [], leftOut: [] });
  for (const path of ['lib/sub/a', 'lib/sub']) {
    assert.deepEqual(compare({ 'lib/sub': 's:160000' }, { [path]: 'a', 'lib/subway': 'a' }), {
      changed: ['added lib/subway 100644'],
      deleted: [],
      leftOut: [{ path, reason: submoduleRule }],
    });
  }
});

test('no file takes the place of a directory whose files must stay', () => {
  const workflow = { path: '.github/workflows/ci.yml', reason: workflowRule };
  assert.deepEqual(
    compare({ [workflow.path]: 'a', 'lib/sub': 's:160000' }, { '.github': 'a:120000', lib: 'b' }),
    {
      changed: [],
      deleted: [],
      leftOut: [workflow, { path: '.github', reason: belowRule }, { path: 'lib', reason: belowRule }],
    },
  );
});

test('a file takes the place of a directory whose files are gone', () => {
  assert.deepEqual(compare({ '.github/dependabot.yml': 'a' }, { '.github': 'b' }), {
    changed: ['added .github 100644'],
    deleted: ['.github/dependabot.yml'],
    leftOut: [],
  });
});

test('of many paths that are left out the first are told, and how many more there are', () => {
  const paths = Array.from({ length: 20_000 }, (_, index) => `.github/workflows/${index}.yml`);
  const { leftOut } = compare({}, Object.fromEntries(paths.map((path) => [path, 'a'])));
  assert.deepEqual(leftOut, [
    ...paths.slice(0, 50).map((path) => ({ path, reason: workflowRule })),
    { path: '…', reason: 'and 19950 more' },
  ]);
});
