import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outputTail } from '../../../server/domain/output-tail.ts';

test('of what a command printed the end is kept, as a terminal would show it in the end', () => {
  assert.equal(outputTail('\u001b[1;31mred\u001b[0m\r\n10%\r50%\r100%\nend\n', 100), 'red\n100%\nend');
  assert.equal(outputTail('a\u001b]0;title\u0007b\u001b]8;;https://x\u001b\\c\u001bM\u001b[', 100), 'abc');
  assert.equal(
    outputTail('tab\tstays, \u0000\u0007\u009b\u202e\u200b\uFE01\u{E0041}gone', 100),
    'tab\tstays, gone',
  );
  assert.equal(outputTail('0123456789', 4), '6789');
  assert.equal(outputTail('x😀', 2), '😀');
  assert.equal(outputTail('x😀', 1), '');
});

test('hostile output takes no longer than other output', () => {
  const started = performance.now();
  for (const piece of ['\r', '\u001b[', '\u001b]', '\u001b]x', 'x\r', 'x', '\r\n']) {
    outputTail(piece.repeat(100_000), 100);
  }
  assert.ok(performance.now() - started < 5_000);
});
