import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findDoubtfulNames } from '../../../../server/jobs/pull-request/named-files.ts';

const base = new Map(
  [
    'README.md',
    'package.json',
    'src/app.js',
    'src/routes/books.js',
    'src/store.ts',
    'packages/api/src/index.ts',
    'tests/books.test.js',
    'main.go',
    'docs/api.md',
    'src/data/books.json',
  ].map((path) => [path, true]),
);
const changed = ['src/app.js', 'src/validation.js', 'tests/books.test.js', 'src/gone.py'];

const doubtful = (description: string, leftOut: string[] = []) =>
  findDoubtfulNames(description, { changed, base, leftOut });

const nothing = { nowhere: [], unchanged: [] };

test('names of files that are nowhere are found', () => {
  assert.deepEqual(
    doubtful(`Bodies are validated in \`src/validate.js\` now, see also src/schema/book.ts and \`checks.py\`.

- \`src/validation.js\` does the rest, \`src/app.js:12\` calls it.
- \`./lib/helper.go#L3-L9\` helps.`),
    { nowhere: ['src/validate.js', 'src/schema/book.ts', 'checks.py', 'lib/helper.go'], unchanged: [] },
  );
});

test('each is told once, and a data file only below a directory that is there', () => {
  assert.deepEqual(
    doubtful(
      '`src/x.ts`, `src/x.ts`, `src/data/more.json`, `fixtures/a.json`, `results.json`, `api/users.json`',
    ),
    { nowhere: ['src/x.ts', 'src/data/more.json'], unchanged: [] },
  );
});

for (const [what, description] of [
  [
    'files of the changeset and the base',
    '`src/validation.js`, `src/gone.py`, `src/store.ts`, README.md, `main.go`',
  ],
  ['files without their first directories', '`routes/books.js`, `books.js`, `api/src/index.ts`, `index.ts`'],
  ['an import by the extension that it will have', 'It imports `./store.js` and `../store.js`.'],
  ['another case', '`readme.md`, `SRC/App.js`'],
  ['abbreviations and versions', 'E.g. i.e. v1.2.3, 24.11.0, `1.2.3`, a.m., etc.'],
  ['modules', '`node:fs`, `node:fs/promises`, `@octokit/rest`, `lodash/fp`, `@scope/pkg/lib.js`'],
  [
    'calls and members',
    '`foo.bar()`, `res.json`, `response.json()`, `console.log`, `process.env.HOME`, `this.go`',
  ],
  ['addresses', 'https://example.com/a/b.js, [guide](docs/none.md), `https://x.y/z.py`, www.a.b/c.ts'],
  ['hosts', '`api.example.com`, `api.example.com/v1/app.js`, example.org/lib/x.py'],
  ['products', 'Node.js, `Node.js`, `Next.js`, `express.js`, `socket.io`, Vue.js/React.js'],
  ['what is built or installed', '`dist/app.js`, `node_modules/a/index.js`, `build/x.ts`, `coverage/x.js`'],
  ['what lies outside', '`/etc/app.py`, `~/x.py`, `/users.json`, `C:\\x\\y.ts`'],
  ['patterns and placeholders', '`src/**/*.test.js`, `{a,b}.ts`, `<name>.ts`, `*.py`, `$HOME/x.py`'],
  ['commands', '`node --test tests/none.test.js`, `python -m x.py`'],
  ['fractions and alternatives', 'and/or, input/output, 1/2, TCP/IP, src/app.js/x'],
  [
    'what is said not to be there',
    'There is no `src/none.js`. `src/nix.js` does not exist. Instead of `old.py` now.',
  ],
  ['what could be there', 'One could move it to `src/later.js`, for example `src/other.js`.'],
  ['examples in code', '```js\nimport "./none.js"; // src/none.js\n```\n\n~~~\n`src/none.js`\n~~~'],
  ['a block that does not end', 'x\n```\nsrc/none.js `a/b.js`'],
  ['single letters', '`a.c`, `x.h`, `i.go`'],
] as const) {
  test(`no doubt about ${what}`, () => {
    assert.deepEqual(doubtful(description), nothing);
  });
}

test('what was left out of the commit is told elsewhere', () => {
  assert.deepEqual(doubtful('See `src/scratch.js`.', ['src/scratch.js']), nothing);
});

test('files that a list of changes names, and that are unchanged, are found', () => {
  const list =
    '- `src/app.js`: calls it\n- `src/store.ts`: stores it\n* **`main.go`** – starts\n1. `docs/api.md`';
  for (const heading of [
    '## What changed',
    '**Changes**',
    'What has changed:',
    '### Files changed',
    '## Changes made',
  ]) {
    assert.deepEqual(doubtful(`It was broken.\n\n${heading}\n\n${list}`), {
      nowhere: [],
      unchanged: ['src/store.ts', 'main.go', 'docs/api.md'],
    });
  }
});

for (const [what, description] of [
  ['another list', '## What to look at\n\n- `src/store.ts`: is it right?'],
  [
    'a list after the changes',
    '## Changes\n\n- `src/app.js`: x\n\n## How checked\n\n- `src/store.ts` by hand',
  ],
  [
    'a file within an item',
    '## Changes\n\n- The handler, which `src/store.ts` calls\n- `src/app.js`: uses `src/store.ts`',
  ],
  ['an item that says so', '## Changes\n\n- `src/store.ts`: unchanged\n- `main.go`: not touched'],
  ['prose', 'What changed: everything in `src/store.ts` calls it.'],
] as const) {
  test(`${what} claims no change`, () => {
    assert.deepEqual(doubtful(description), nothing);
  });
}

test('giant descriptions are read at once', () => {
  const started = performance.now();
  for (const text of [
    '`a/b.js` ',
    'a/',
    'a/b.',
    '`',
    '```\n',
    '- `a.js`',
    'x ',
    'no ',
    '](',
    'https://',
    '.',
    '**',
    '# ',
  ]) {
    doubtful(text.repeat(60_000 / text.length));
  }
  assert.ok(performance.now() - started < 10_000, `${performance.now() - started} ms`);
});
