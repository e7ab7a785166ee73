import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareWithBase, type WorkspaceFile } from '../../../../server/domain/changeset.ts';
import { AppError } from '../../../../server/domain/errors.ts';
import type { TreeFile } from '../../../../server/domain/repository.ts';
import type { SetupFile } from '../../../../server/domain/setup.ts';
import { madeBySetup, touchesBase, withoutSetup } from '../../../../server/jobs/setup/made-by-setup.ts';

const tree = (letter: string): TreeFile => ({ mode: '100644', blobId: letter.repeat(40) });
const listed = (path: string, letter: string): WorkspaceFile => ({ path, ...tree(letter), size: 1 });
const base = { files: new Map([['lock.json', tree('a')] as const, ['app.js', tree('b')] as const]) };

const madeIn = async (afterSetup: WorkspaceFile[]): Promise<readonly SetupFile[]> => {
  const made = await madeBySetup({ files: async () => afterSetup }, base, AbortSignal.timeout(1000));
  return 'tooMuch' in made ? assert.fail(made.tooMuch) : made;
};

test('what a setup made counts as unchanged, as long as the agent leaves it so', async () => {
  const afterSetup = [listed('lock.json', 'c'), listed('app.js', 'b'), listed('vendor/x.js', 'd')];
  const made = await madeIn(afterSetup);
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

test('what a setup deleted counts as there, until somebody puts something in its place', async () => {
  const afterSetup = [listed('app.js', 'b')];
  const made = await madeIn(afterSetup);
  assert.deepEqual(made, [{ path: 'lock.json', deleted: true }]);
  assert.deepEqual(compareWithBase(base.files, withoutSetup(afterSetup, base, made), ''), {
    ...{ changed: [], deleted: [], leftOut: [] },
  });
  const again = [...afterSetup, listed('lock.json', 'e')];
  assert.deepEqual(withoutSetup(again, base, made), again);
  // What only the agent has deleted is gone.
  assert.deepEqual(compareWithBase(base.files, withoutSetup([], base, made), '').deleted, ['app.js']);
});

test('what is new leaves the base alone; what is modified, deleted or of another mode does not', async () => {
  const whole = [listed('lock.json', 'a'), listed('app.js', 'b')];
  const touches = async (afterSetup: WorkspaceFile[]) => touchesBase(await madeIn(afterSetup), base);
  assert.equal(await touches([...whole, listed('vendor/x.js', 'd')]), false);
  assert.equal(await touches([listed('lock.json', 'c'), listed('app.js', 'b')]), true);
  assert.equal(await touches([{ ...listed('lock.json', 'a'), mode: '100755' }, listed('app.js', 'b')]), true);
  assert.equal(await touches([listed('lock.json', 'a')]), true);
});

test('more than is kept with a job is said, and none of it is known', async () => {
  const many = Array.from({ length: 4999 }, (_, index) => listed(`vendor/${index}.js`, 'd'));
  assert.equal((await madeIn([...many, listed('app.js', 'b')])).length, 5000);
  assert.deepEqual(await madeBySetup({ files: async () => many }, base, AbortSignal.timeout(1000)), {
    tooMuch: 'The setup has changed 5001 files that .gitignore does not hide, more than 5000.',
  });
  const files = async () => {
    throw new AppError('changeset_refused', 'The workspace has more files than the server looks at.');
  };
  assert.deepEqual(await madeBySetup({ files }, base, AbortSignal.timeout(1000)), {
    tooMuch: 'After the setup: The workspace has more files than the server looks at.',
  });
});
