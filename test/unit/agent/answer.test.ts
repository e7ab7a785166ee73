import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnswer } from '../../../server/agent/answer.ts';

const prompt = 'add input validation to all POST endpoints.\nReturn proper messages.';
const titleOf = (finalMessage: string) => createAnswer(finalMessage, prompt, []).title;

test('the first line is the title, the rest the description', () => {
  const commands = [{ command: 'npm test', exitCode: 0 }];
  assert.deepEqual(
    createAnswer('Validate POST bodies\n\nWhat: a check.\n\n## Checked\n\nnpm test', prompt, commands),
    {
      title: 'Validate POST bodies',
      description: 'What: a check.\n\n## Checked\n\nnpm test',
      summary: 'What: a check.\n\n## Checked\n\nnpm test',
      commands,
    },
  );
});

test('what models put around a title is taken off', () => {
  const spellings: [string, string][] = [
    ['# Validate POST bodies', 'Validate POST bodies'],
    ['**Validate POST bodies**', 'Validate POST bodies'],
    ['Title: Validate POST bodies.', 'Validate POST bodies'],
    ['**PR title:** validate POST bodies', 'Validate POST bodies'],
    ['## Pull request title: Validate POST bodies', 'Validate POST bodies'],
    ['`Validate POST bodies`', 'Validate POST bodies'],
    ['“Validate POST bodies”', 'Validate POST bodies'],
    ['\u001b[1mValidate\u202e \tPOST\u200b bodies\u0007', 'Validate POST bodies'],
    ['Title-case the headings', 'Title-case the headings'],
    ['`read` and `write` take a path', '`read` and `write` take a path'],
    ['I18n: read messages from files', 'I18n: read messages from files'],
    ['Wait for more…', 'Wait for more…'],
    // GitHub would run no check.
    ['[skip ci] Validate POST bodies ***NO_CI*** [Actions Skip]', 'Validate POST bodies'],
  ];
  assert.deepEqual(
    spellings.map(([line]) => [line, titleOf(`${line}\n\nWhy.`)]),
    spellings,
  );
});

test('a first line that is no title leaves the title to the prompt and stays in the description', () => {
  for (const talk of [
    'I have added the validation.',
    'Done! All routes check.',
    'Here is it:',
    '---',
    '```',
  ]) {
    const { title, description } = createAnswer(`${talk}\n\nMore.`, prompt, []);
    assert.deepEqual(
      [title, description],
      ['Add input validation to all POST endpoints', `${talk}\n\nMore.`],
    );
  }
});

test('a title that is too long is cut at a word, and is whole in the description', () => {
  const long = 'Validate the bodies of all POST requests and answer with messages that name the field';
  const { title, description } = createAnswer(`${long}\n\nWhy.`, prompt, []);
  assert.equal(title, 'Validate the bodies of all POST requests and answer with messages…');
  assert.ok(title.length < 72);
  assert.equal(description, `${long}\n\nWhy.`);
});

test('a title from a prompt is cut, too, and a prompt without a word still gives one', () => {
  assert.equal(createAnswer('Done.', '🙂'.repeat(10), []).title, 'Change what the job asks for');
  const title = createAnswer('Done.', `${'a'.repeat(70)}${'🙂'.repeat(10)}`, []).title;
  assert.deepEqual([title.isWellFormed(), title.length < 72, title.endsWith('…')], [true, true, true]);
});

test('the summary is the beginning of the description, or the title when there is none', () => {
  const paragraphs = [`${'one '.repeat(60)}.`, `${'two '.repeat(60)}.`, `${'three '.repeat(60)}.`];
  const { summary } = createAnswer(`Validate\n\n${paragraphs.join('\n\n')}`, prompt, []);
  assert.equal(summary, paragraphs.slice(0, 2).join('\n\n'));
  const headed = createAnswer(`Validate\n\nWhy.\n\n## What\n\n${'word '.repeat(200)}`, prompt, []);
  assert.equal(headed.summary, 'Why.');
  assert.equal(createAnswer('Validate POST bodies', prompt, []).summary, 'Validate POST bodies');
  assert.ok(createAnswer(`Validate\n\n${'word '.repeat(500)}`, prompt, []).summary.length <= 600);
});
