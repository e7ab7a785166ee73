import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore, explored } from '../../../../server/jobs/explore.ts';
import { baseOf, exploredOf } from '../../../support/base-of.ts';

const never = new AbortController().signal;

test('a repository is told as the base has it', async () => {
  const exploration = await exploredOf({
    'AGENTS.md': '# Agents\n\nWrite tests first.\n',
    'README.md': '# Shop\n',
    'package.json': JSON.stringify({ scripts: { test: 'node --test' } }),
    'src/shop.ts': '',
    'src/cart.ts': '',
    'src/legacy/old.js': '',
    'node_modules/left-pad/index.js': '',
    'node_modules/left-pad/package.json': '{"scripts":{"test":"echo"}}',
  });
  assert.deepEqual(exploration, {
    files: 8,
    tree: [
      'node_modules/ (2 files)',
      'src/ (3 files)',
      '  legacy/ (1 file)',
      '    old.js',
      '  cart.ts',
      '  shop.ts',
      'AGENTS.md',
      'README.md',
      'package.json',
    ].join('\n'),
    languages: [
      { name: 'TypeScript', files: 2 },
      { name: 'JavaScript', files: 1 },
    ],
    manifests: ['package.json'],
    instructions: [{ path: 'AGENTS.md', text: '# Agents\n\nWrite tests first.' }],
    checks: [
      {
        command: 'npm test',
        needs: [{ probe: 'command -v npm >/dev/null', otherwise: 'npm is not in the sandbox image.' }],
      },
    ],
    checksFrom: 'manifests',
    setup: [],
    notes: [],
  });
  assert.deepEqual(explored(exploration), {
    type: 'Repository: Explored',
    files: 8,
    languages: exploration.languages,
    manifests: ['package.json'],
    instructions: ['AGENTS.md'],
    setup: [],
    checks: ['npm test'],
    checksFrom: 'manifests',
    image: 'default',
    notes: [],
  });
});

test('an empty repository has nothing to tell', async () => {
  assert.deepEqual(await exploredOf({}), {
    ...{ files: 0, tree: '', languages: [], manifests: [], instructions: [], checks: [], setup: [] },
    checksFrom: 'none',
    notes: ['No checks were found: name some in the request or in .backspace.yml.'],
  });
});

test('the request comes before .backspace.yml, key by key', async () => {
  const files = {
    '.backspace.yml': 'checks: [make lint]\nsetup: [make deps]\nimage: go\n',
    'package.json': '{}',
  };
  const configured = await exploredOf(files);
  assert.partialDeepStrictEqual(configured, {
    checksFrom: 'backspace_yml',
    checks: [{ command: 'make lint' }],
    setup: ['make deps'],
    image: 'go',
  });
  const asked = await exploredOf(files, { checks: ['./ci.sh'], image: 'rust' });
  assert.partialDeepStrictEqual(asked, {
    checksFrom: 'request',
    checks: [{ command: './ci.sh' }],
    setup: ['make deps'],
    image: 'rust',
  });
  const none = await exploredOf(files, { checks: [], setup: [] });
  assert.partialDeepStrictEqual(none, { checksFrom: 'request', checks: [], setup: [] });
});

test('files that together are too much for one answer are asked for in parts, and a giant one is told as not read', async () => {
  const contents = {
    'AGENTS.md': 'x'.repeat(200_000),
    'CONTRIBUTING.md': 'y'.repeat(100_000),
    'package.json': `{"scripts":{"test":"true"},"description":"${'z'.repeat(100_000)}"}`,
  };
  const { files, sandbox, asked } = baseOf(contents);
  const exploration = await explore(sandbox, files, {}, never);
  assert.deepEqual(exploration.notes, [
    'AGENTS.md is larger than 128 KB and was not read.',
    'CONTRIBUTING.md has 100000 characters; its first 8000 are told.',
  ]);
  assert.deepEqual(exploration.instructions, [{ path: 'CONTRIBUTING.md', text: 'y'.repeat(8_000) }]);
  assert.deepEqual(
    exploration.checks.map(({ command }) => command),
    ['npm test'],
  );
  assert.deepEqual(asked, [3, 2, 1, 1, 1]);
});

test('instructions are cut at the end of a line, and all of them to one size', async () => {
  const lines = Array.from({ length: 400 }, (_, index) => `- rule ${String(index).padStart(20, '0')}`).join(
    '\n',
  );
  const { instructions, notes } = await exploredOf({
    'AGENTS.md': lines,
    'CLAUDE.md': lines,
    'CONTRIBUTING.md': lines,
    'docs/CONTRIBUTING.md': lines,
    '.github/CONTRIBUTING.md': '\n \n',
  });
  assert.deepEqual(
    instructions.map(({ path, text }) => [path, text.length, /\d$/.test(text)]),
    [
      ['AGENTS.md', 7_979, true],
      ['CLAUDE.md', 7_979, true],
      ['CONTRIBUTING.md', 4_031, true],
    ],
  );
  assert.equal(
    notes.filter(
      (note) => note === 'docs/CONTRIBUTING.md was left out: the other instructions are long enough.',
    ).length,
    1,
  );
});

test('what nobody would see in instructions is not told to the model either', async () => {
  const hidden = [...'obey'].map((letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join('');
  const { instructions } = await exploredOf({
    'AGENTS.md': `\uFEFFRun${hidden} the\u200B\uFE01\u3164 tests.\r\nThen\u202E stop\u0000\u001b[2J.\n`,
  });
  assert.deepEqual(instructions, [{ path: 'AGENTS.md', text: 'Run the tests.\nThen stop[2J.' }]);
});

test('links, directories and submodules in the place of files are told and not followed', async () => {
  const { notes, instructions, manifests, checksFrom } = await exploredOf({
    '.backspace.yml/checks': 'checks: [true]',
    'CLAUDE.md': { mode: '120000', content: '/etc/passwd' },
    'package.json': { mode: '120000', content: 'other.json' },
    'go.mod': { mode: '160000', content: '' },
  });
  assert.deepEqual(notes, [
    'No checks were found: name some in the request or in .backspace.yml.',
    '.backspace.yml is a directory, which is not read.',
    'CLAUDE.md is a symlink, which is not followed.',
  ]);
  assert.deepEqual(
    { instructions, manifests, checksFrom },
    { instructions: [], manifests: [], checksFrom: 'none' },
  );

  for (const [mode, kind] of [
    ['120000', 'a symlink, which is not followed'],
    ['160000', 'a submodule, which is not read'],
  ] as const) {
    const { notes: told } = await exploredOf({ '.backspace.yml': { mode, content: 'checks: [true]' } });
    assert.equal(told.at(-1), `.backspace.yml is ${kind}.`);
  }
  const misnamed = await exploredOf({ '.backspace.yaml': 'checks: [true]' });
  assert.equal(misnamed.notes.at(-1), '.backspace.yaml is not read: its name must be .backspace.yml.');
});

test('names with control characters, line ends and characters that turn text around are shown harmless', async () => {
  const { tree, manifests, notes, checks } = await exploredOf({
    'a\nb\u202Ec\u0000\u{E0101}.ts': '',
    '\u001b[31mred/package.json': '{"scripts":{"test":"true"}}',
    '$(reboot)/package.json': '{"scripts":{"test":"true"}}',
    '-rf/package.json': '{"scripts":{"test":"true"}}',
    [`${'long'.repeat(60)}.md`]: '',
  });
  assert.deepEqual(tree.split('\n'), [
    '�[31mred/ (1 file)',
    '  package.json',
    '$(reboot)/ (1 file)',
    '  package.json',
    '-rf/ (1 file)',
    '  package.json',
    'a�b�c��.ts',
    `${'long'.repeat(20).slice(0, 79)}…`,
  ]);
  assert.deepEqual({ manifests, checks }, { manifests: [], checks: [] });
  assert.equal(notes.at(-1), 'Manifests in directories with unusual names were not looked at: 3.');
});

test('60,000 files in deep, flat and endless directories become a small tree in little time', async () => {
  const contents: Record<string, string> = {};
  for (let index = 0; index < 30_000; index += 1) contents[`flat-${index}.txt`] = '';
  for (let index = 0; index < 30_000; index += 1) {
    contents[`packages/p${index % 500}/src/module-${index}/index.ts`] = '';
  }
  contents[`${'d/'.repeat(2_000)}end.py`] = '';
  const { files, sandbox } = baseOf(contents);
  const started = performance.now();
  const { tree, languages } = await explore(sandbox, files, {}, never);
  assert.ok(performance.now() - started < 5_000);
  assert.ok(Buffer.byteLength(tree) <= 6_000, `${Buffer.byteLength(tree)} bytes`);
  assert.match(tree, /^packages\/ \(30000 files\)$/m);
  assert.match(tree, /^… 299\d\d more$/m);
  assert.deepEqual(languages, [
    { name: 'TypeScript', files: 30_000 },
    { name: 'Python', files: 1 },
  ]);
});

test('of many manifests the nearest to the root are looked at', async () => {
  const contents: Record<string, string> = { 'package.json': '{"workspaces":["packages/*"]}' };
  for (let index = 0; index < 60; index += 1) contents[`packages/p${index}/package.json`] = '{}';
  contents['a/b/c/d/package.json'] = '{}';
  const { manifests, notes } = await exploredOf(contents);
  assert.equal(manifests.length, 40);
  assert.equal(manifests[0], 'package.json');
  assert.equal(notes.at(-1), 'Of 61 manifests, the 40 nearest to the root were looked at.');
});

test('instructions for a part of the repository are named', async () => {
  const { notes, instructions } = await exploredOf({
    'go.mod': 'module a\n',
    'web/AGENTS.md': 'Use tabs.',
    'api/v2/CLAUDE.md': 'Use spaces.',
    'vendor/b/AGENTS.md': 'Use nothing.',
  });
  assert.deepEqual(instructions, []);
  assert.deepEqual(notes, [
    'Directories have instructions of their own, which are not told here: web/AGENTS.md, api/v2/CLAUDE.md.',
  ]);
});
