import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareWithBase } from '../../../../server/domain/changeset.ts';
import { createLeftoverRule } from '../../../../server/domain/leftovers/leftovers.ts';

const file = { mode: '100644' as const, blobId: 'a'.repeat(40) };
const changedFile = { mode: '100644' as const, blobId: 'b'.repeat(40) };

/** What becomes of these new files in a repository with those of the base. */
const add = (base: string[], added: string[], prompt = 'Mend it') => {
  const workspace = [...base, ...added].map((path) => ({ path, ...file, size: 1 }));
  const { changed, deleted, leftOut } = compareWithBase(
    new Map(base.map((path) => [path, file])),
    workspace,
    prompt,
  );
  assert.deepEqual(deleted, []);
  return {
    committed: changed.map(({ path }) => path),
    leftOut: Object.fromEntries(leftOut.map(({ path, reason }) => [path, reason])),
  };
};

const node = ['package.json', 'src/app.js', 'tests/app.test.js'];
const python = ['pyproject.toml', 'shop/__init__.py', 'tests/test_shop.py'];

const packages = 'installed packages';
const cache = 'a cache';
const output = 'build output';
const compiled = 'compiled code';
const tools = 'what a tool keeps for itself';
const editor = 'left by an editor or the system';

for (const [what, base, added, leftOut] of [
  [
    'packages of Node',
    node,
    ['node_modules/a/index.js', 'node_modules/a/lib/b.js'],
    { 'node_modules/': packages },
  ],
  ['packages below', node, ['web/node_modules/a/index.js'], { 'web/node_modules/': packages }],
  ['a link to packages', node, ['node_modules'], { node_modules: packages }],
  ['a virtual environment', python, ['.venv/bin/python', '.venv/pyvenv.cfg'], { '.venv/': packages }],
  ['one of another name', python, ['env/pyvenv.cfg', 'env/lib/x.py'], { 'env/': packages }],
  ['egg-info', python, ['shop.egg-info/PKG-INFO'], { 'shop.egg-info/': packages }],
  [
    'caches of Python',
    python,
    [
      'shop/__pycache__/a.cpython-313.pyc',
      '.pytest_cache/v/x',
      '.mypy_cache/x',
      '.ruff_cache/x',
      'shop/b.pyc',
    ],
    {
      'shop/__pycache__/': cache,
      '.pytest_cache/': cache,
      '.mypy_cache/': cache,
      '.ruff_cache/': cache,
      'shop/b.pyc': cache,
    },
  ],
  [
    'other caches',
    node,
    ['.cache/x', '.npm/_cacache/x', '.gradle/8/x'],
    { '.cache/': cache, '.npm/': cache, '.gradle/': cache },
  ],
  ['.eslintcache', node, ['.eslintcache'], { '.eslintcache': tools }],
  [
    'coverage of Python',
    python,
    ['.coverage', 'htmlcov/index.html'],
    { '.coverage': tools, 'htmlcov/': cache },
  ],
  ['coverage of Node', node, ['coverage/lcov.info', 'coverage/app.js.html'], { 'coverage/': tools }],
  [
    'a build of Rust',
    ['Cargo.toml', 'src/main.rs'],
    ['target/debug/shop', 'target/debug/x.d'],
    { 'target/': output },
  ],
  ['a build of Maven', ['pom.xml', 'src/main/java/A.java'], ['target/a.jar'], { 'target/': output }],
  ['a build of Gradle', ['app/build.gradle.kts'], ['app/build/libs/a.jar'], { 'app/build/': output }],
  ['a build of Node', node, ['dist/app.js'], { 'dist/': output }],
  [
    'a build that a bundler has marked',
    node,
    ['build/static/app.js', 'build/static/app.js.map'],
    { 'build/': output },
  ],
  [
    'objects',
    ['main.c'],
    ['main.o', 'libx.a', 'lib/x.so.1.2', 'A.class', 'a.out'],
    {
      'main.o': compiled,
      'libx.a': compiled,
      'lib/x.so.1.2': compiled,
      'A.class': compiled,
      'a.out': compiled,
    },
  ],
  [
    'logs',
    node,
    ['test.log', 'npm-debug.log', 'npm-debug.log.1', 'nohup.out'],
    {
      'test.log': 'a log',
      'npm-debug.log': 'a log',
      'npm-debug.log.1': 'a log',
      'nohup.out': 'a log',
    },
  ],
  [
    'patches',
    node,
    ['fix.patch', 'src/x.diff', 'src/app.js.orig', 'src/app.js.rej'],
    {
      'fix.patch': 'a patch',
      'src/x.diff': 'a patch',
      'src/app.js.orig': 'left by a patch or an editor',
      'src/app.js.rej': 'left by a patch or an editor',
    },
  ],
  [
    'what editors leave',
    node,
    ['.DS_Store', 'src/.app.js.swp', 'Thumbs.db', 'src/app.js~', '.idea/x.xml'],
    {
      '.DS_Store': editor,
      'src/.app.js.swp': editor,
      'Thumbs.db': editor,
      'src/app.js~': editor,
      '.idea/': editor,
    },
  ],
  [
    'what a crash leaves',
    node,
    ['core', 'src/core.1234'],
    {
      core: 'the trace of a process',
      'src/core.1234': 'the trace of a process',
    },
  ],
  [
    'scratch at the root',
    node,
    ['scratch.js', 'tmp.txt', 'temp_test.py', 'tmp/x.js'],
    {
      'scratch.js': 'scratch',
      'tmp.txt': 'scratch',
      'temp_test.py': 'scratch',
      'tmp/': 'scratch',
    },
  ],
  [
    'a lock of another package manager',
    [...node, 'pnpm-lock.yaml'],
    ['package-lock.json'],
    {
      'package-lock.json': 'a lock file of a package manager that the base does not use',
    },
  ],
  [
    'a lock where there is none',
    node,
    ['package-lock.json'],
    {
      'package-lock.json': 'a lock file, of which the base keeps none',
    },
  ],
] as const) {
  test(`${what}: left out and told`, () => {
    assert.deepEqual(add([...base], [...added, 'src/new.js']), { committed: ['src/new.js'], leftOut });
  });
}

for (const [what, base, added] of [
  ['a directory called build with sources', node, ['build/webpack.config.js', 'build/paths.js']],
  ['a directory called out, bin or coverage', node, ['out/x.js', 'bin/run.js', 'src/coverage/report.js']],
  ['a build that the base keeps', [...node, 'dist/app.js'], ['dist/new.js']],
  ['a build where the base keeps others', [...node, 'packages/a/dist/a.js'], ['dist/new.js']],
  ['a target without Cargo', node, ['target/audience.js']],
  ['packages that the base keeps', [...node, 'node_modules/a/index.js'], ['node_modules/b/index.js']],
  ['a patch where the base has some', [...node, 'fixtures/a.patch'], ['fixtures/b.patch']],
  ['a patch of packages', node, ['patches/left-pad+1.0.0.patch']],
  ['a log below one that the base has', [...node, 'tracked.log'], ['sub/wanted.log']],
  [
    'an ordinary name that begins alike',
    node,
    ['template.html', 'temperature.js', 'scratchpad.md', 'core.js', 'logs.ts'],
  ],
  ['scratch further down, where it has a meaning', node, ['src/tmp.ts', 'src/scratch/pad.js', 'src/core']],
  ['the lock of the package manager of the base', [...node, 'package-lock.json'], ['web/package-lock.json']],
  ['the lock of a new package', python, ['web/package.json', 'web/package-lock.json']],
  ['go.sum', ['go.mod'], ['go.sum']],
  [
    'files without a doubt',
    node,
    ['.env.example', '.vscode/settings.json', '.npmrc', 'Dockerfile', 'docs/a.md'],
  ],
] as const) {
  test(`${what}: committed`, () => {
    assert.deepEqual(add([...base], [...added]), { committed: [...added], leftOut: {} });
  });
}

test('what the request names is no leftover', () => {
  for (const [prompt, path] of [
    ['Run the tests and write the results to report.log.', 'report.log'],
    ['Put it into `out.diff`, please', 'out.diff'],
    ['Write dist/version.txt', 'dist/version.txt'],
    ['Keep Scratch.md at the root', 'scratch.md'],
    ['Make a folder tmp/ with a .gitkeep', 'tmp/.gitkeep'],
    ['Add package-lock.json', 'package-lock.json'],
    ['Add a lock file', 'package-lock.json'],
  ] as const) {
    assert.deepEqual(add(node, [path], prompt), { committed: [path], leftOut: {} }, prompt);
  }
});

test('another file than the named one is left out still', () => {
  for (const [prompt, path] of [
    ['Write report.log', 'port.log'],
    ['Write my-report.log', 'report.log'],
    ['Write report.log.gz', 'report.log'],
    ['Ignore node_modules', 'node_modules/a.js'],
  ] as const) {
    assert.deepEqual(add(node, [path], prompt).committed, [], prompt);
  }
});

test('what the base has is changed and deleted, whatever it is called', () => {
  const names = ['node_modules/a.js', 'debug.log', 'fix.patch', 'tmp.txt', 'a.out', '.DS_Store', 'dist/x.js'];
  const base = new Map([...node, ...names].map((path) => [path, file]));
  const touched = names.map((path) => ({ path, ...changedFile, size: 1 }));
  const unchanged = node.map((path) => ({ path, ...file, size: 1 }));
  const modified = compareWithBase(base, [...touched, ...unchanged], 'Mend it');
  assert.deepEqual([modified.changed.map(({ path }) => path), modified.leftOut], [names, []]);
  const gone = compareWithBase(base, unchanged, 'Mend it');
  assert.deepEqual([gone.deleted, gone.leftOut], [names, []]);
});

test('what is refused for another reason is told with that one', () => {
  assert.deepEqual(add(node, ['.github/workflows/tmp.log', 'node_modules/.git/config']).leftOut, {
    '.github/workflows/tmp.log': 'workflows and actions are not changed by the agent',
    'node_modules/.git/config': 'not a path that a commit may hold',
  });
});

test('a directory with very many files is one line, found at once', () => {
  const many = Array.from({ length: 20_000 }, (_, n) => `node_modules/p${n % 500}/lib/${n}.js`);
  const started = performance.now();
  assert.deepEqual(add(node, [...many, 'src/new.js']), {
    committed: ['src/new.js'],
    leftOut: { 'node_modules/': packages },
  });
  assert.ok(performance.now() - started < 5_000);
});

test('paths that are deeper than anybody has are looked at without delay', () => {
  const deep = 'a/'.repeat(1900);
  const added = Array.from({ length: 200 }, (_, n) => `${n}/${deep}${n}.log`);
  const rule = createLeftoverRule({
    ...{ base: new Map([['debug.txt', file]]), prompt: 'Mend it' },
    workspace: [...added, ...added.map((path) => `${path}.class`)],
  });
  const started = process.cpuUsage();
  const reasons = added.map((path) => rule(path)?.reason);
  const { user } = process.cpuUsage(started);
  assert.deepEqual([...new Set(reasons)], ['a log']);
  // It was some thirty times as much when each directory on the way was looked up.
  assert.ok(user < 1_500_000, `${user} microseconds`);
  assert.equal(rule(`${'a/'.repeat(20)}node_modules/b/c.js`)?.reason, packages);
});
