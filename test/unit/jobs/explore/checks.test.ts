import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exploredOf } from '../../../support/base-of.ts';

type Files = Parameters<typeof exploredOf>[0];

const planned = async (files: Files) => {
  const { checks, checksFrom, notes } = await exploredOf(files);
  return { commands: checks.map(({ command }) => command), checksFrom, notes };
};
const needsOf = async (files: Files, request = {}) => {
  const { checks } = await exploredOf(files, request);
  return checks.map(({ needs }) => needs.map(({ otherwise }) => otherwise));
};

const scripts = (named: Record<string, string>, rest = {}): string =>
  JSON.stringify({ scripts: named, ...rest });
const unittest = 'import unittest\n\nclass TestShop(unittest.TestCase):\n    pass\n';

for (const [what, files, commands] of [
  ['a script', { 'package.json': scripts({ test: 'node --test' }) }, ['npm test']],
  [
    'scripts of several kinds, the tests first and two names of one kind once',
    {
      'package.json': scripts({ check: 'a', tsc: 'b', 'type-check': 'c', lint: 'd', test: 'e', build: 'f' }),
    },
    ['npm test', 'npm run lint', 'npm run type-check', 'npm run check'],
  ],
  [
    'pnpm by its lockfile',
    { 'package.json': scripts({ test: 'a', lint: 'b' }), 'pnpm-lock.yaml': '' },
    ['pnpm test', 'pnpm run lint'],
  ],
  ['yarn by its lockfile', { 'package.json': scripts({ test: 'a' }), 'yarn.lock': '' }, ['yarn test']],
  [
    'bun, whose own test command is another',
    { 'package.json': scripts({ test: 'a' }), 'bun.lock': '' },
    ['bun run test'],
  ],
  [
    'the manager that the manifest names, whatever lockfile is there',
    { 'package.json': scripts({ test: 'a' }, { packageManager: 'yarn@4.1.0' }), 'package-lock.json': '' },
    ['yarn test'],
  ],
  ['pytest by its file', { 'pytest.ini': '' }, ['python3 -m pytest']],
  ['pytest by a setting', { 'pyproject.toml': '[tool.pytest.ini_options]\n' }, ['python3 -m pytest']],
  ['pytest by what tox runs', { 'tox.ini': '[testenv]\ncommands = pytest\n' }, ['python3 -m pytest']],
  [
    'pytest by the tests, without any manifest',
    { 'tests/test_a.py': 'def test_a():\n    pass\n' },
    ['python3 -m pytest'],
  ],
  [
    'unittest by the tests',
    { 'setup.py': '', 'tests/test_a.py': unittest },
    ['python3 -m unittest discover -s tests'],
  ],
  [
    'unittest in a package',
    { 'tests/__init__.py': '', 'tests/test_a.py': unittest },
    ['python3 -m unittest discover'],
  ],
  ['unittest beside the code', { 'test_a.py': unittest }, ['python3 -m unittest discover']],
  [
    'unittest in a package below',
    { 'shop/__init__.py': '', 'shop/tests/__init__.py': '', 'shop/tests/test_a.py': unittest },
    ['python3 -m unittest discover'],
  ],
  ['Django', { 'manage.py': '', 'shop/test_a.py': unittest }, ['python3 manage.py test']],
  ['tox alone', { 'tox.ini': '[testenv]\ncommands = python check.py\n' }, ['tox']],
  ['Go', { 'go.mod': 'module shop\n' }, ['go test ./...']],
  ['Rust', { 'Cargo.toml': '[package]\n' }, ['cargo test --offline']],
  ['Maven', { 'pom.xml': '' }, ['mvn -o -q test']],
  ['Gradle', { 'build.gradle.kts': '' }, ['gradle --offline test']],
  ['Gradle with its wrapper', { 'settings.gradle': '', gradlew: '' }, ['sh ./gradlew --offline test']],
  ['a Makefile', { Makefile: 'all: a\n\ntest: all\n\t./run\n' }, ['make test']],
  ['a Makefile with check alone', { Makefile: 'checks := 1\ncheck:\n\t./run\n' }, ['make check']],
  [
    'a Makefile beside something that is known better',
    { Makefile: 'test:\n', 'go.mod': 'module a\n' },
    ['go test ./...'],
  ],
  [
    'projects below a root without one, each in its own place',
    {
      'api/go.mod': 'module api\n',
      'web/package.json': scripts({ test: 'a' }),
      'web/sub/package.json': scripts({ test: 'a' }),
    },
    ['(cd api && go test ./...)', '(cd web && npm test)'],
  ],
] as const satisfies [string, Files, string[]][]) {
  test(`checks are found: ${what}`, async () => {
    assert.deepEqual(await planned(files), { commands, checksFrom: 'manifests', notes: [] });
  });
}

for (const [what, files, note] of [
  [
    'the placeholder of npm init',
    { 'package.json': scripts({ test: 'echo "Error: no test specified" && exit 1' }) },
    undefined,
  ],
  [
    'a manifest that is no JSON',
    { 'package.json': '{"scripts":' },
    'package.json is not a JSON object, so no checks come from it.',
  ],
  [
    'a manifest that is a list',
    { 'package.json': '[1]' },
    'package.json is not a JSON object, so no checks come from it.',
  ],
  ['scripts that are none', { 'package.json': '{"scripts":["test"],"dependencies":7}' }, undefined],
  ['a script that is no text', { 'package.json': '{"scripts":{"test":{"a":1}}}' }, undefined],
  [
    'a script that changes files',
    { 'package.json': scripts({ lint: 'eslint . --fix' }) },
    'The script lint of package.json is no check here: it changes files.',
  ],
  [
    'a script that never ends',
    { 'package.json': scripts({ test: 'vitest --watch' }) },
    'The script test of package.json is no check here: it waits for changes and does not end.',
  ],
  ['a Makefile without such a target', { Makefile: 'test = 1\ntests:\n' }, undefined],
  [
    'a script with tests somewhere',
    { 'tools/test_a.py': 'def test_a(): pass\n', 'x/y/test_b.py': unittest },
    undefined,
  ],
  ['tests that unittest would not find', { 'setup.py': '', 'shop/a_test.py': unittest }, undefined],
  ['Python without tests', { 'setup.py': 'setup()' }, undefined],
] as const satisfies [string, Files, string | undefined][]) {
  test(`no checks are found: ${what}`, async () => {
    const { commands, checksFrom, notes } = await planned(files);
    const none = 'No checks were found: name some in the request or in .backspace.yml.';
    assert.deepEqual(
      { commands, checksFrom, notes },
      {
        ...{ commands: [], checksFrom: 'none' },
        notes: note === undefined ? [none] : [note, none],
      },
    );
  });
}

test('more checks than are run are told', async () => {
  const all = { test: 'a', lint: 'b', typecheck: 'c', check: 'd' };
  const { commands, notes } = await planned({ 'package.json': scripts(all), 'go.mod': 'module a\n' });
  assert.deepEqual(commands, ['npm test', 'npm run lint', 'npm run typecheck', 'npm run check']);
  assert.deepEqual(notes, ['More checks were found than the 4 that are run.']);
});

for (const [what, files, needs] of [
  [
    'a package without dependencies',
    { 'package.json': scripts({ test: 'a' }) },
    ['npm is not in the sandbox image.'],
  ],
  [
    'a package with some',
    { 'package.json': scripts({ test: 'a' }, { devDependencies: { vitest: '1' } }) },
    [
      'npm is not in the sandbox image.',
      'The dependencies of package.json are not installed: name setup commands such as `npm ci`.',
    ],
  ],
  [
    'a workspace with some',
    {
      'package.json': scripts({ test: 'a' }),
      'pnpm-workspace.yaml': '',
      'packages/a/package.json': scripts({}, { dependencies: { b: '1' } }),
    },
    [
      'pnpm is not in the sandbox image.',
      'The dependencies of package.json are not installed: name setup commands such as `pnpm install --frozen-lockfile`.',
    ],
  ],
  [
    'a module without requirements',
    { 'go.mod': 'module a\n\ngo 1.22\n' },
    ['go is not in the sandbox image.'],
  ],
  [
    'a module with some',
    { 'go.mod': 'module a\n\nrequire (\n\tb v1\n)\n' },
    [
      'go is not in the sandbox image.',
      'The modules that go.mod requires are not installed: name setup commands such as `go mod download`.',
    ],
  ],
  [
    'a crate that depends on its neighbour alone',
    { 'Cargo.toml': '[package]\nname = "a"\n[dependencies]\nb = { path = "b" }\n' },
    ['cargo is not in the sandbox image.'],
  ],
  [
    'a workspace of crates with a dependency',
    {
      'Cargo.toml': '[workspace]\n',
      'b/Cargo.toml': '[dev-dependencies]\nserde.workspace = true\nrand = "0.8"\n',
    },
    [
      'cargo is not in the sandbox image.',
      'The crates that Cargo.toml names are not installed: name setup commands such as `cargo fetch`.',
    ],
  ],
] as const satisfies [string, Files, string[]][]) {
  test(`what a check needs: ${what}`, async () => {
    assert.deepEqual(await needsOf(files), [needs]);
  });
}

test('a Python project needs what it names, without what depends on a condition', async () => {
  const { checks } = await exploredOf({
    'pytest.ini': '',
    'requirements.txt':
      '# all\nflask>=2,<3  # web\n-r more.txt\ntomli; python_version < "3.11"\nb @ https://b.example/\n',
    'pyproject.toml':
      '[build-system]\nrequires = ["x"]\n[project]\nname = "a"\ndependencies = [\n  "click[color] ~= 8",\n  "y; sys_platform == \'win32\'",\n]\n[tool.a]\n',
  });
  const program =
    'import sys; from importlib.metadata import version; [version(name) for name in sys.argv[1:]]';
  const install = 'pip install --user --break-system-packages -r requirements.txt';
  assert.deepEqual(checks[0]?.needs, [
    { probe: 'command -v python3 >/dev/null', otherwise: 'python3 is not in the sandbox image.' },
    {
      probe: 'python3 -c "import pytest"',
      otherwise: `pytest is not installed: name setup commands such as \`${install} pytest\`.`,
    },
    {
      probe: `python3 -c "${program}" flask click 2>/dev/null`,
      otherwise: `The Python packages that the project names are not installed: name setup commands such as \`${install}\`.`,
    },
  ]);
});

for (const [command, needs] of [
  ['npm run ci', ['command -v npm >/dev/null', 'test -d node_modules || test -f .pnp.cjs']],
  ['CI=true npx jest', ['command -v npx >/dev/null', 'test -d node_modules || test -f .pnp.cjs']],
  [
    'cd web && yarn test',
    ['command -v yarn >/dev/null', '(cd web && { test -d node_modules || test -f .pnp.cjs; })'],
  ],
  ['cargo test', ['command -v cargo >/dev/null']],
  [
    'pytest -q',
    ['command -v python3 >/dev/null', 'python3 -c "import pytest"', 'command -v pytest >/dev/null'],
  ],
  ['python3 -m pytest', ['command -v python3 >/dev/null', 'python3 -c "import pytest"']],
  ['ruby test.rb', ['command -v ruby >/dev/null']],
  ['.venv/bin/pytest', ['test -x .venv/bin/pytest']],
  ['./ci.sh --all', []],
  ['cd web && ../ci.sh', []],
  ['/usr/bin/env ruby', []],
  ['"$RUNNER" test', []],
  ['$(which npm) test', []],
  ['! grep TODO src', []],
] as const satisfies [string, string[]][]) {
  test(`what a named command needs: ${command}`, async () => {
    const dependent = JSON.stringify({ dependencies: { a: '1' } });
    const { checks } = await exploredOf(
      { 'package.json': dependent, 'web/package.json': dependent, 'ci.sh': '' },
      { checks: [command] },
    );
    assert.deepEqual(
      checks[0]?.needs.map(({ probe }) => probe),
      needs,
    );
  });
}

const many = 127 * 1024;
for (const [path, text] of [
  ['requirements.txt', `a${' '.repeat(many)}x`],
  ['requirements.txt', `a=${'#'.repeat(many)};\u2028`],
  ['requirements.txt', 'a>1\n'.repeat(many / 4)],
  ['pyproject.toml', `[project]\n${'dependencies = [\n'.repeat(many / 17)}`],
  ['pyproject.toml', '[project]\n'.repeat(many / 10)],
  ['tests/test_a.py', '\n'.repeat(many)],
  ['tests/test_a.py', `${' '.repeat(many)}x`],
  ['go.mod', '\n'.repeat(many)],
  ['Cargo.toml', `[${'dependencies.'.repeat(many / 13)}`],
  ['Cargo.toml', `[dependencies]\n${'a'.repeat(many)}`],
  ['Cargo.toml', `[dependencies]\na = ${'path'.repeat(many / 4)}`],
  ['Makefile', `test${' '.repeat(many)}`],
  ['Makefile', 'test\t'.repeat(many / 5)],
  ['package.json', '['.repeat(many)],
  ['package.json', `{"scripts":{"test":"${' '.repeat(many)}"}}`],
  ['package.json', `{"scripts":{"test":"${'--watch'.repeat(many / 7)}"}}`],
  ['package.json', `{"packageManager":"${'yarn'.repeat(many / 4)}"}`],
] as const) {
  test(`a manifest made to take long takes none: ${path} with ${JSON.stringify(text.slice(0, 24))}…`, async () => {
    const started = performance.now();
    await exploredOf({ [path]: text });
    assert.ok(performance.now() - started < 1_000, `${performance.now() - started} ms`);
  });
}
