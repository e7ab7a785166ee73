import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkspaceFile } from '../../../../server/domain/changeset.ts';
import type { TreeFile } from '../../../../server/domain/repository.ts';
import { madeBySetup, withoutSetup } from '../../../../server/jobs/setup/made-by-setup.ts';

const tree = (letter: string): TreeFile => ({ mode: '100644', blobId: letter.repeat(40) });
const listed = (path: string, letter: string): WorkspaceFile => ({ path, ...tree(letter), size: 1 });
const base = { files: new Map([['lock.json', tree('a')] as const, ['app.js', tree('b')] as const]) };

test('what a setup made counts as unchanged, as long as the agent leaves it so', async () => {
  const afterSetup = [listed('lock.json', 'c'), listed('app.js', 'b'), listed('vendor/x.js', 'd')];
  const made = await madeBySetup({ files: async () => afterSetup }, base, AbortSignal.timeout(1000));
  assert.deepEqual(made, [
    { path: 'lock.json', ...tree('c') },
    { path: 'vendor/x.js', ...tree('d') },
  ]);
  assert.deepEqual(withoutSetup(afterSetup, base, made), [listed('lock.json', 'a'), listed('app.js', 'b')]);

  const changed = [listed('lock.json', 'e'), listed('vendor/x.js', 'f'), listed('new.js', 'd')];
  assert.deepEqual(withoutSetup(changed, base, made), changed);
  const executable: WorkspaceFile = { ...listed('vendor/x.js', 'd'), mode: '100755' };
  assert.deepEqual(withoutSetup([executable], base, made), [executable]);
});
