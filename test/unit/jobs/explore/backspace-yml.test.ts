import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBackspaceYml } from '../../../../server/jobs/explore/backspace-yml.ts';
import { exploredOf } from '../../../support/base-of.ts';

test('checks, setup and image are read', () => {
  const text = `# For Tiny Backspace\nsetup:\n  - npm ci\nchecks: [npm test, "npm run lint"]\nimage: node-22\n`;
  assert.deepEqual(parseBackspaceYml(text), {
    checks: ['npm test', 'npm run lint'],
    setup: ['npm ci'],
    image: 'node-22',
    notes: [],
  });
});

for (const text of ['', '\n', '# nothing\n', '---\n', 'null', '{}']) {
  test(`an empty file says nothing: ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseBackspaceYml(text), { notes: [] });
  });
}

for (const [what, text, notes] of [
  ['an unknown key', 'check: [a]', ['.backspace.yml: check is not a key of this file.']],
  ['a text for a list', 'checks: npm test', ['.backspace.yml: checks must be a list of shell commands.']],
  ['a list with something else in it', 'checks: [a, 7]', ['.backspace.yml: checks[1] must be a string.']],
  ['an empty command', 'setup: [" "]', ['.backspace.yml: setup[0] must not be an empty command.']],
  [
    'a command with control characters',
    'checks: ["a\\0b"]',
    ['.backspace.yml: checks[0] must not contain control characters but newline and tab.'],
  ],
  [
    'a long command',
    `checks: [${'a'.repeat(2_001)}]`,
    ['.backspace.yml: checks[0] must not be longer than 2000 characters.'],
  ],
  [
    'many commands',
    `checks: [${'a,'.repeat(21)}]`,
    ['.backspace.yml: checks must not have more than 20 commands.'],
  ],
  [
    'an image with a registry',
    'image: ghcr.io/a/b:1',
    ['.backspace.yml: image must be the name of one of the server’s images.'],
  ],
  [
    'an image that is a number',
    'image: 22',
    ['.backspace.yml: image must be the name of one of the server’s images.'],
  ],
  ['a list of all', '- npm test', ['.backspace.yml cannot be used: it must have keys and values.']],
  ['a text of all', 'npm test', ['.backspace.yml cannot be used: it must have keys and values.']],
  [
    'tags',
    'checks: !!js/function "x"',
    [
      '.backspace.yml: tags have no meaning in it.',
      '.backspace.yml: checks must be a list of shell commands.',
    ],
  ],
  [
    'the name of a prototype',
    '__proto__: {checks: [a]}',
    ['.backspace.yml: __proto__ is not a key of this file.'],
  ],
  ['a key that turns text around', '"a\\u202Eb": 1', ['.backspace.yml: a�b is not a key of this file.']],
] as const) {
  test(`what is wrong is told, and not used: ${what}`, () => {
    assert.deepEqual(parseBackspaceYml(text), { notes });
  });
}

const kilobytes = 31 * 1024;
for (const [what, text, problem] of [
  ['a bomb of aliases', bomb(), /cannot be read as YAML \(Excessive alias count/],
  ['a bomb of braces', '{'.repeat(kilobytes), /too many brackets/],
  ['a bomb of keys', '? '.repeat(kilobytes / 2), /question marks/],
  ['depth', '- '.repeat(kilobytes / 2), /cannot be (read|used)/],
  ['as many quotes as fit', '"'.repeat(kilobytes), /no YAML, by its line 1/],
  ['too many bytes', '#'.repeat(kilobytes + 2_048), /larger than 32 KB/],
  ['a broken line', 'checks:\n  - "npm test\n', /no YAML, by its line \d/],
  ['two documents', 'checks: [a]\n---\nchecks: [b]\n', /no YAML, by its line \d/],
  ['an alias of nothing', 'checks: *a', /cannot be (read|used)/],
] as const) {
  test(`what cannot be read takes little time and is told in one note: ${what}`, () => {
    const started = performance.now();
    const { notes, ...settings } = parseBackspaceYml(text);
    assert.ok(performance.now() - started < 5_000);
    assert.deepEqual(settings, {});
    assert.equal(notes.length, 1);
    assert.match(notes[0] ?? '', problem);
    assert.match(notes[0] ?? '', /^[^\n]{1,300}\.$/);
  });
}

test('of many wrong keys some are told', () => {
  const keys = Array.from({ length: 3_000 }, (_, index) => `k${index}:`).join('\n');
  const { notes } = parseBackspaceYml(keys);
  assert.equal(notes.length, 9);
  assert.equal(notes.at(-1), 'And more that is wrong with it.');
});

test('with a broken .backspace.yml the checks come from the manifests, and it is said', async () => {
  const { checks, checksFrom, notes } = await exploredOf({
    '.backspace.yml': 'checks: [',
    'go.mod': 'module a\n',
  });
  assert.deepEqual(
    checks.map(({ command }) => command),
    ['go test ./...'],
  );
  assert.equal(checksFrom, 'manifests');
  assert.match(notes[0] ?? '', /^\.backspace\.yml cannot be used: it is no YAML, by its line 1: /);
});

function bomb(): string {
  const lines = ['a0: &a0 [x, x]'];
  for (let index = 1; index < 20; index += 1)
    lines.push(`a${index}: &a${index} [*a${index - 1}, *a${index - 1}]`);
  return lines.join('\n');
}
