import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Base, TreeFile } from '../../../../server/domain/repository.ts';
import { setupKey } from '../../../../server/jobs/setup/setup-key.ts';
import { base } from '../../../support/base.ts';

const at = new Date('2026-01-02T03:04:05Z');
const place = { imageId: 'sha256:1', forge: 'https://github.com', at };
const contents = {
  'package-lock.json': '1',
  'web/package.json': '2',
  'src/app.js': '3',
  'scripts/install.sh': '4',
};

const filesOf = (blobs: Record<string, string>): ReadonlyMap<string, TreeFile> =>
  new Map(Object.entries(blobs).map(([path, blobId]) => [path, { mode: '100644', blobId }]));

const keyOf = (
  changed: { blobs?: Record<string, string>; base?: Partial<Base>; place?: Partial<typeof place> } = {},
  commands: readonly string[] = ['npm ci', './scripts/install.sh --fast'],
) =>
  setupKey(
    commands,
    { base: { ...base, ...changed.base }, files: filesOf(changed.blobs ?? contents) },
    { ...place, ...changed.place },
  );

test('the same lockfiles, commands, image, repository and branch have the same key, whatever else has changed', () => {
  const key = keyOf();
  assert.match(key, /^[0-9a-f]{64}$/);
  assert.equal(keyOf({ blobs: { ...contents, 'src/app.js': 'x', 'src/new.js': 'y' } }), key);
  assert.equal(
    keyOf({ base: { commit: 'b'.repeat(40), repository: { owner: 'octo', name: 'renamed' } } }),
    key,
  );
  const otherOrder = Object.fromEntries(Object.entries(contents).toReversed());
  assert.equal(keyOf({ blobs: otherOrder }), key);
});

test('whatever decides what a setup makes gives another key', () => {
  const keys = [
    keyOf(),
    keyOf({ blobs: { ...contents, 'package-lock.json': 'x' } }),
    keyOf({ blobs: { ...contents, 'web/package.json': 'x' } }),
    keyOf({ blobs: { ...contents, 'api/requirements-dev.txt': 'x' } }),
    keyOf({ blobs: { ...contents, '.backspace.yml': 'x' } }),
    // A script that a command names.
    keyOf({ blobs: { ...contents, 'scripts/install.sh': 'x' } }),
    keyOf({}, ['npm ci']),
    keyOf({}, ['npm ci', './scripts/install.sh', '--fast']),
    // Somebody else's code must not come along.
    keyOf({ base: { repositoryId: 2 } }),
    keyOf({ base: { branch: 'other' } }),
    keyOf({ place: { forge: 'https://github.example' } }),
    keyOf({ place: { imageId: 'sha256:2' } }),
    keyOf({ place: { at: new Date(at.getTime() + 7 * 24 * 3_600_000) } }),
  ];
  assert.equal(new Set(keys).size, keys.length);
});
