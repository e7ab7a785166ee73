import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginningOf, cut, endOf, oneLine, withoutHidden } from '../../../server/domain/visible-text.ts';

for (const [what, text, visible] of [
  ['controls', 'a\u0000b\u001b[31mc\rd\u0085e', 'ab[31mcde'],
  ['marks that turn text around', 'safe\u202e)txt.exe(\u2066\u2069\u200f\u061c', 'safe)txt.exe('],
  ['characters without width', 'a\u200bb\u200cc\u200dd\ufeffe\u2060f\u00adg\u034fh', 'abcdefgh'],
  ['separators that only some take for lines', 'a\u2028b\u2029c', 'abc'],
  ['fillers and blanks', 'a\u115fb\u1160c\u3164d\uffa0e\u2800f\u17b4g', 'abcdefg'],
  ['variation selectors', 'a\ufe00b\ufe01c\ufe0ed\u{e0100}e\u{e01ef}f\u180bg\u180eh', 'abcdefgh'],
  ['tags', 'a\u{e0001}\u{e0068}\u{e007f}b\u{e0fff}', 'ab'],
  ['halves of characters', 'a\ud83db\ude00', 'ab'],
  ['the selector of a coloured sign where there is none', 'a\ufe0fb❤\ufe0f\ufe0f1\ufe0f', 'ab❤\ufe0f1'],
] as const) {
  test(`${what} are hidden`, () => {
    assert.equal(withoutHidden(text), visible);
  });
}

test('what people see stays: lines, tabs, signs with their colour, letters with their marks', () => {
  const text = 'a\n\tb ❤\ufe0f ⚠\ufe0f 1\ufe0f\u20e3 🙂🏽 e\u0301 Ё ы́ 漢字 नि ⠿ …\u00a0!';
  assert.equal(withoutHidden(text), text);
});

test('what is hidden may be shown as something', () => {
  assert.equal(withoutHidden('a\u202eb\u{e0041}c', '�'), 'a�b�c');
});

test('one line has no other blanks than single spaces', () => {
  assert.equal(oneLine('\n a \u200b b\r\n\tc\u0000d\u2028e\u00ad '), 'a b c d e');
});

test('a cut counts its mark and leaves no half of a character', () => {
  assert.deepEqual(
    [cut('abcd', 4), cut('abcde', 4), cut('ab🙂d', 4), cut('abcde', 4, ' …')],
    ['abcd', 'abc…', 'ab…', 'ab …'],
  );
  assert.deepEqual([beginningOf('a🙂', 2), beginningOf('a', -1)], ['a', '']);
  assert.deepEqual([endOf('🙂a', 2), endOf('🙂a', 3), endOf('a', 0)], ['a', '🙂a', '']);
});

test('hidden characters in great numbers take no time', () => {
  const started = performance.now();
  for (const piece of ['\u200b', '\ufe0f', '❤\ufe0f', '1\ufe0f', ' \u200b', 'x']) {
    withoutHidden(piece.repeat(200_000));
    oneLine(piece.repeat(200_000));
  }
  assert.ok(performance.now() - started < 5_000);
});
