import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inImperative } from '../../../server/agent/imperative.ts';

for (const [said, meant] of [
  ['Added validation', 'Add validation'],
  ['Adds a `--json` flag', 'Add a `--json` flag'],
  ['Adding tests for `total`', 'Add tests for `total`'],
  ['Fixes #12', 'Fix #12'],
  ['Fixed the rounding of prices', 'Fix the rounding of prices'],
  ['Made the store faster', 'Make the store faster'],
  ['Updated dependencies', 'Update dependencies'],
  ['Refactored routes', 'Refactor routes'],
] as const) {
  test(`«${said}» becomes «${meant}»`, () => {
    assert.equal(inImperative(said), meant);
  });
}

for (const title of [
  'Add validation',
  'Fixed-width columns in the report',
  'Fixes for Windows',
  'Updates to the guide',
  'Updates: Node 24',
  'Moves and captures',
  'Added',
  'Address the review',
  'fix: added validation',
  'feat(api): adds books',
  'ADDED validation',
  'Returns page: show the date',
  'Fixture for books',
  'Übersetzt Titel',
]) {
  test(`«${title}» stays`, () => {
    assert.equal(inImperative(title), title);
  });
}
