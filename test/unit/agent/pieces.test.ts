import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPieces } from '../../../server/agent/pieces.ts';

const piecesOf = (text: string, deltaCharacters: number): string[] => {
  const pieces: string[] = [];
  const { add, end } = createPieces((piece) => pieces.push(piece));
  for (let at = 0; at < text.length; at += deltaCharacters) add(text.slice(at, at + deltaCharacters));
  end();
  return pieces;
};

const sentence = 'The route takes whatever it is given and stores it as it is. ';

test('a blank line ends a piece, and the end of the block ends the last one', () => {
  assert.deepEqual(piecesOf('First.\n\n  Second,\nstill second.\n \n\nThird', 5), [
    'First.',
    '  Second,\nstill second.',
    'Third',
  ]);
});

test('a heading stays with what it announces', () => {
  const text = 'Done.\n\n## What\n\nA check.\n\n**How**\n\nTests:\n\n- npm test\n\n**Last**';
  assert.deepEqual(piecesOf(text, 4), [
    'Done.',
    '## What\n\nA check.',
    '**How**\n\nTests:\n\n- npm test',
    '**Last**',
  ]);
});

test('a long paragraph is cut at the end of a sentence, not before 600 characters', () => {
  const [first = '', ...others] = piecesOf(sentence.repeat(25), 9);
  assert.equal(first, sentence.repeat(10).trimEnd());
  assert.deepEqual(others, [sentence.repeat(10).trimEnd(), sentence.repeat(5).trimEnd()]);
});

test('a long list is cut at the end of a line', () => {
  const items = Array.from({ length: 100 }, (_, index) => `- item ${index}`);
  const pieces = piecesOf(items.join('\n'), 20);
  assert.equal(pieces.join('\n'), items.join('\n'));
  assert.ok(pieces.length > 1);
});

test('a code block stays whole, blank lines and all', () => {
  const code = `\`\`\`js\nconst a = 1;\n\nconst b = 2;\n${'work();\n'.repeat(100)}\`\`\``;
  assert.deepEqual(piecesOf(`Look:\n\n${code}\n\nDone.`, 11), [`Look:\n\n${code}`, 'Done.']);
});

test('text without any end of a sentence is cut between words, a single giant word anywhere', () => {
  const words = piecesOf('word '.repeat(2000), 100);
  assert.equal(words.join(' '), 'word '.repeat(2000).trimEnd());
  const giant = piecesOf('🙂'.repeat(3000), 100);
  assert.equal(giant.join(''), '🙂'.repeat(3000));
  assert.ok([...words, ...giant].every((piece) => piece.length <= 4000 && piece.isWellFormed()));
});

test('where a text is cut does not depend on how it arrives', () => {
  const text = [
    sentence.repeat(12),
    '# A',
    'B:',
    '```\na\n\nb\n```',
    '- x\n'.repeat(300),
    'x'.repeat(5000),
  ].join('\n\n\n');
  const whole = piecesOf(text, text.length);
  for (const deltaCharacters of [1, 2, 3, 10, 599, 4001]) {
    assert.deepEqual(piecesOf(text, deltaCharacters), whole);
  }
});

test('what is dropped or blank is no piece', () => {
  const pieces: string[] = [];
  const { add, drop, end } = createPieces((piece) => pieces.push(piece));
  add(' \n\n ');
  end();
  add('half a sen');
  drop();
  add('A whole one.');
  end();
  assert.deepEqual(pieces, ['A whole one.']);
});
