import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitFences, separateFences } from '../../../../server/jobs/pull-request/fences.ts';

for (const [what, text, separated] of [
  ['an ordinary code block', 'Look:\n\n```js\nlet a;\n```\n\nDone.', 'Look:\n\n```js\nlet a;\n```\n\nDone.'],
  ['one that nobody ends', 'a\n```\nb', 'a\n```\nb\n```'],
  // Here the list ends the block, and what looks like its end would begin one that goes on for ever.
  ['one that begins in a list', '- a\n  ```\n````\nb', '- a\n```\n```\nb'],
  ['one that only the server’s own end would end', '- a\n  ```\n  code', '- a\n```\ncode\n```'],
  ['one behind the sign of a list', '1. ```sh\n   ls\n   ```\nb', '1.\n```sh\nls\n```\nb'],
  ['one in a quotation', '> ~~~\n> a\n> ~~~\nb', '```\n> a\n```\nb'],
  ['one that holds fences', '~~~~\n```\na\n```\n~~~~', '````\n```\na\n```\n````'],
  ['code within a line', 'Use ``` `a` ``` here.', 'Use ``` `a` ``` here.'],
] as const) {
  test(`${what} ends where it should`, () => assert.equal(separateFences(text), separated));
}

test('a text whose code blocks grow is cut until it fits', () => {
  const growing = '~~~\n``````````\n~~~\n'.repeat(500);
  const fitting = fitFences(growing, 5_000);
  assert.ok(fitting.length <= 5_000 && fitting.length > 3_000, `${fitting.length} characters`);
  assert.equal(separateFences(fitting), fitting);
});
