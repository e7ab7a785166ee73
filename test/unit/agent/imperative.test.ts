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
  ['Bumps version', 'Bump version'],
  ['Enables gzip', 'Enable gzip'],
  ['Enabled the cache', 'Enable the cache'],
  ['Changed default port to 8080', 'Change default port to 8080'],
  ['Changes the default port', 'Change the default port'],
  ['Adjusts timeouts', 'Adjust timeouts'],
  ['Documented `--json`', 'Document `--json`'],
  ['Documents how orders are sorted', 'Document how orders are sorted'],
  ['Corrected the price', 'Correct the price'],
  ['Supports dark mode', 'Support dark mode'],
  ['Added: a `--json` flag', 'Add a `--json` flag'],
  ['Removed: old routes', 'Remove old routes'],
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
  'Changes since the last release',
  'Changes: Node 24',
  'Changed: the port is 8080',
  'Fixed: prices were rounded',
  'Added:validation',
  'Documents page: show the date',
  'Disabled buttons stay grey',
  'Reduced motion is respected',
  'Restored orders keep their price',
  'Supported versions: Node 24',
  'Supports for shelves',
  'Adding a book no longer fails',
  'Changing the language keeps the cart',
  'Übersetzt Titel',
]) {
  test(`«${title}» stays`, () => {
    assert.equal(inImperative(title), title);
  });
}
