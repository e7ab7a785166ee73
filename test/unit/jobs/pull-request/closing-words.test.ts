import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutClosing } from '../../../../server/jobs/pull-request/closing-words.ts';

const request = {
  repository: { owner: 'octo', name: 'books' },
  prompt: 'Mend #7, then other/shelf#9 and https://github.com/a.b/c-d/issues/3.',
};

test('an issue that the request does not name is not closed, however the words are written', () => {
  for (const written of [
    'Fixes #12',
    'fix: #12',
    'CLOSED #12',
    'closed#12',
    'resolves\n#12',
    'Resolve GH-12',
    '_Fixes_ **#12**',
    'Fixes [#12](https://example.org)',
    'Fixes [it](https://github.com/octo/books/issues/12)',
    'Fixes \\#12',
    'Fixes&nbsp;#12',
    'Closes octo/books#12',
    'Close https://github.com/octo/books/issues/12',
    'Close &lt;https://github.com/octo/books/pull/12>',
    'closes https://ghe.example:8443/o/r/issues/12',
    '`git commit -m "Fixes #12"`',
    '```\nFixes #12\n```',
    // The number of another repository's issue, and the repository of another number.
    'Fixes #9',
    'Fixes other/shelf#7',
  ]) {
    const broken = withoutClosing(written, request);
    assert.match(broken, /(?<![a-z])[cfr]\u200b[a-z]/i, written);
    assert.equal(broken.replace('\u200b', ''), written);
  }
});

test('the issues that the request names are closed, and other sentences stay as they are', () => {
  const text = `Fixes #7, closes octo/Books#7.
Resolves other/shelf#9: https://github.com/other/shelf/issues/9
Fixed https://github.com/a.b/c-d/issues/3 and fixes a.b/c-d#3

See #12. It prefixes #12, is fixing #12, and fixes issue 12; the fix is in \`#7\`, a close (call) on page 12.`;
  assert.equal(withoutClosing(text, request), text);
});

test('hostile text takes no longer than other text', () => {
  const started = performance.now();
  for (const piece of [
    'fixes ',
    'fix[',
    'fix&',
    'fix&a;',
    'a.',
    'a/',
    'GH-1',
    '#1 ',
    'fix ((',
    `fix${'['.repeat(2_000)}`,
  ]) {
    withoutClosing(piece.repeat(30_000 / piece.length), {
      ...request,
      prompt: piece.repeat(20_000 / piece.length),
    });
  }
  assert.ok(performance.now() - started < 5_000);
});
