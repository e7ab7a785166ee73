import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ListRequest, Sandbox, SearchRequest } from '../../../server/domain/sandbox.ts';
import { openSandboxes, shell, soon, type TestSandboxes } from '../../support/sandboxes.ts';

let sandboxes: TestSandboxes;
let sandbox: Sandbox;
before(async () => {
  sandboxes = await openSandboxes();
  sandbox = await sandboxes.acquire('job-of-searching', soon());
  await shell(
    sandbox,
    `set -e
    git init --quiet .
    mkdir -p src/deep .github/workflows node_modules/left-pad build 'with space'
    printf 'build/\\nnode_modules/\\n*.log\\n' >.gitignore
    printf 'export const total = 1;\\nconst other = total + 1;\\n' >src/app.ts
    printf 'import { total } from "../app.ts";\\n' >src/deep/app.test.ts
    printf 'TOTAL of nothing\\n' >README.md
    printf 'on: push # total\\n' >.github/workflows/ci.yml
    printf 'total\\n' >node_modules/left-pad/index.js
    printf 'total\\n' >build/out.js
    printf 'total\\n' >debug.log
    printf 'total\\n' >'with space/a:b.txt'
    printf 'total\\000binary\\n' >data.bin
    printf '%s total %s\\n' "$(head -c 1000 /dev/zero | tr '\\0' x)" "$(head -c 1000 /dev/zero | tr '\\0' y)" >src/minified.js
    `,
  );
});
after(() => sandboxes?.[Symbol.asyncDispose]());

const list = (where: Partial<ListRequest> = {}) => sandbox.list({ filesMax: 100, ...where }, soon());
const search = (what: Partial<SearchRequest> & { pattern: string }) =>
  sandbox.search({ matchesMax: 100, ...what }, soon());
const messageOf = (reply: object) => ('message' in reply ? String(reply.message) : JSON.stringify(reply));

describe('list', () => {
  test('gives hidden files, too, but neither ignored ones nor git’s own', async () => {
    const paths = [
      '.github/workflows/ci.yml',
      '.gitignore',
      'README.md',
      'data.bin',
      'src/app.ts',
      'src/deep/app.test.ts',
      'src/minified.js',
      'with space/a:b.txt',
    ];
    assert.deepEqual(await list(), { ok: true, paths, more: false });
    assert.deepEqual(await list({ path: '.' }), { ok: true, paths, more: false });
    assert.deepEqual(await list({ path: '/workspace/' }), { ok: true, paths, more: false });
  });

  test('looks below a directory and by a glob', async () => {
    const paths = ['src/app.ts', 'src/deep/app.test.ts', 'src/minified.js'];
    assert.deepEqual(await list({ path: 'src' }), { ok: true, paths, more: false });
    assert.deepEqual(await list({ glob: '**/*.ts' }), { ok: true, paths: paths.slice(0, 2), more: false });
    assert.deepEqual(await list({ path: 'src', glob: 'deep/*' }), {
      ok: true,
      paths: ['src/deep/app.test.ts'],
      more: false,
    });
  });

  test('a glob does not bring back what is ignored', async () => {
    assert.deepEqual(await list({ glob: '**/*.js' }), { ok: true, paths: ['src/minified.js'], more: false });
    const all = await list({ glob: '**/*' });
    assert.ok(all.ok);
    assert.deepEqual(
      all.paths.filter((path) => /\.log$|node_modules|\.git\//.test(path)),
      [],
    );
  });

  test('tells below a depth only how many files there are', async () => {
    const paths = ['.github/ (1 file)', '.gitignore', 'README.md', 'data.bin', 'src/ (3 files)'];
    assert.deepEqual(await list({ depth: 1 }), {
      ok: true,
      paths: [...paths, 'with space/ (1 file)'],
      more: false,
    });
    const below = ['src/app.ts', 'src/deep/ (1 file)', 'src/minified.js'];
    assert.deepEqual(await list({ path: 'src', depth: 1 }), { ok: true, paths: below, more: false });
    assert.deepEqual(await list({ depth: 1, filesMax: 1 }), {
      ok: true,
      paths: ['.github/ (1 file)'],
      more: true,
    });
  });

  test('says why there is nothing', async () => {
    const hints = [];
    for (const where of [
      { glob: '*.rs' },
      { glob: '*.log' },
      { path: 'build' },
      { path: 'src/deep', glob: '*.md' },
      { path: 'empty' },
    ]) {
      await shell(sandbox, 'mkdir -p empty');
      const reply = await list(where);
      hints.push(reply.ok && reply.paths.length === 0 ? reply.hint : reply);
    }
    assert.deepEqual(hints, [
      'no file in the workspace fits *.rs; the first file there is .github/workflows/ci.yml',
      'only files that .gitignore names, such as debug.log: see them with bash (ls, find)',
      { ok: true, paths: ['build/out.js'], more: false },
      'no file in src/deep fits *.md; elsewhere there is README.md',
      'there are no files in empty',
    ]);
  });

  test('stops at the limit and says that there is more', async () => {
    const paths = ['.github/workflows/ci.yml', '.gitignore'];
    assert.deepEqual(await list({ filesMax: 2 }), { ok: true, paths, more: true });
  });

  test('says what is wrong with a path or a glob', async () => {
    const messages = [];
    for (const where of [
      { path: 'no/such/place' },
      { path: 'lib/deeep' },
      { path: 'scr' },
      { glob: '{a,b' },
      { path: 'a\0b' },
    ]) {
      messages.push(messageOf(await list(where)));
    }
    assert.deepEqual(messages, [
      'No such file or directory: no/such/place. Use list without path to see what is there.',
      'No such file or directory: lib/deeep. Did you mean src/deep?',
      'No such file or directory: scr. Did you mean src?',
      'The glob «{a,b» has a { without a }: mend it.',
      'There is a NUL in the path: leave it out.',
    ]);
    assert.match(messageOf(await list({ path: '--version' })), /^No such file or directory: --version\./);
  });
});

describe('search', () => {
  test('gives path, line and text of every match, also in hidden files and odd names', async () => {
    const reply = await search({ pattern: '\\btotal\\b', glob: '!*.js' });
    assert.deepEqual(reply, {
      ok: true,
      matches: [
        { path: '.github/workflows/ci.yml', line: 1, text: 'on: push # total' },
        { path: 'src/app.ts', line: 1, text: 'export const total = 1;' },
        { path: 'src/app.ts', line: 2, text: 'const other = total + 1;' },
        { path: 'src/deep/app.test.ts', line: 1, text: 'import { total } from "../app.ts";' },
        { path: 'with space/a:b.txt', line: 1, text: 'total' },
      ],
      more: false,
    });
  });

  test('shortens a long line around nothing but its beginning', async () => {
    const reply = await search({ pattern: 'total', path: 'src/minified.js' });
    assert.ok(reply.ok);
    assert.deepEqual(
      reply.matches.map(({ path, line }) => ({ path, line })),
      [{ path: 'src/minified.js', line: 1 }],
    );
    assert.ok((reply.matches[0]?.text.length ?? 0) < 500);
  });

  test('stops at the limit and says that there is more', async () => {
    const matches = [{ path: 'src/app.ts', line: 1, text: 'export const total = 1;' }];
    const reply = await search({ pattern: 'total', path: 'src/app.ts', matchesMax: 1 });
    assert.deepEqual(reply, { ok: true, matches, more: true });
  });

  test('finds a pattern that begins with a dash', async () => {
    assert.deepEqual(await search({ pattern: '--version' }), { ok: true, matches: [], more: false });
  });

  test('takes the pattern as text, either case, and lines around a match on demand', async () => {
    const found = async (what: Partial<SearchRequest> & { pattern: string }) => {
      const reply = await search(what);
      return reply.ok
        ? reply.matches.map(({ path, line, isContext }) => `${path}${isContext ? '-' : ':'}${line}`)
        : reply;
    };
    assert.deepEqual(await found({ pattern: '"../app.ts"', literal: true }), ['src/deep/app.test.ts:1']);
    assert.deepEqual(await found({ pattern: 'total of', ignoreCase: true }), ['README.md:1']);
    assert.deepEqual(await found({ pattern: 'const other', context: 2 }), ['src/app.ts-1', 'src/app.ts:2']);
    assert.deepEqual(await found({ pattern: 'total', path: 'src', glob: '*.ts', filesOnly: true }), [
      ...['src/app.ts:1', 'src/deep/app.test.ts:1'],
    ]);
    assert.deepEqual(await found({ pattern: '= 1;\\nconst' }), ['src/app.ts:1', 'src/app.ts:2']);
    assert.deepEqual(await found({ pattern: '1;\nconst other', literal: true }), [
      ...['src/app.ts:1', 'src/app.ts:2'],
    ]);
    assert.deepEqual(await found({ pattern: 'total(?= \\+)' }), ['src/app.ts:2']);
    assert.deepEqual(await found({ pattern: 'total', glob: '*.log' }), []);
    await shell(sandbox, "printf 'one\\r\\nline to the end\\r\\n' >crlf.txt");
    assert.deepEqual(await search({ pattern: 'to the end$' }), {
      ok: true,
      matches: [{ path: 'crlf.txt', line: 2, text: 'line to the end' }],
      more: false,
    });
  });

  test('says what would have been found instead of nothing', async () => {
    const hints = [];
    for (const what of [
      { pattern: 'total of nothing' },
      { pattern: '../app.ts")' },
      { pattern: 'import {', literal: true, glob: '*.rs' },
      { pattern: 'nowhere' },
    ]) {
      const reply = await search(what);
      hints.push(reply.ok && reply.matches.length === 0 ? reply.hint : messageOf(reply).split('\n')[0]);
    }
    assert.deepEqual(hints, [
      'with ignore_case set there is README.md:1',
      'regex parse error:',
      'no file in the workspace fits *.rs; the first file there is .github/workflows/ci.yml',
      undefined,
    ]);
    const text = await search({ pattern: 'total + 1' });
    assert.equal(text.ok && text.hint, 'with literal set there is src/app.ts:2');
  });

  test('says what is wrong with a pattern or a path', async () => {
    assert.match(
      messageOf(await search({ pattern: 'a(b' })),
      /regex parse error[\s\S]*unclosed group[\s\S]*set literal to true/,
    );
    assert.match(
      messageOf(await search({ pattern: 'x', path: 'no/such/place' })),
      /^No such file or directory: no\/such\/place\./,
    );
    assert.match(messageOf(await search({ pattern: 'a\0b' })), /There is a NUL/);
    assert.match(messageOf(await search({ pattern: 'x'.repeat(200_000) })), /too long/);
  });

  test('what is ignored is found where it is named', async () => {
    const matches = [{ path: 'node_modules/left-pad/index.js', line: 1, text: 'total' }];
    const reply = await search({ pattern: 'total', path: 'node_modules/left-pad/index.js' });
    assert.deepEqual(reply, { ok: true, matches, more: false });
  });
});

test('a file that is not there is suggested by its name elsewhere', async () => {
  const messages = [];
  for (const filepath of [
    'app.ts',
    'lib/app.tsx',
    'src/app.test.ts',
    'src/ap.ts',
    'readme.md',
    'nothing/like/it.zig',
    '[a](b)*.ts',
  ]) {
    messages.push(messageOf(await sandbox.read({ filepath, bytesMax: 1000 }, soon())));
  }
  assert.deepEqual(messages, [
    'No file at app.ts. Did you mean src/app.ts or src/deep/app.test.ts?',
    'No file at lib/app.tsx. Did you mean src/app.ts or src/deep/app.test.ts?',
    'No file at src/app.test.ts. Did you mean src/deep/app.test.ts?',
    'No file at src/ap.ts. Did you mean src/app.ts?',
    'No file at readme.md. Did you mean README.md?',
    'No file at nothing/like/it.zig. Use list to see what is there.',
    'No file at [a](b)*.ts. Use list to see what is there.',
  ]);
});

test('a place that is read-only or somebody else’s says so', async () => {
  const messages = [];
  for (const filepath of ['/usr/bin/new', '/etc/passwd', '/opt/backspace/toolbox/calls.js']) {
    messages.push(messageOf(await sandbox.write({ filepath, content: 'x' }, soon())));
  }
  for (const message of messages) assert.match(message, /could not be written: (EROFS|EACCES)/);
});

test('files that only their owner’s permissions forbid are listed, and their contents come', async () => {
  await shell(sandbox, 'mkdir locked && echo secret >locked/file && chmod 000 locked/file');
  const files = (await sandbox.files([], soon())).filter(({ path }) => path === 'locked/file');
  const contents = await sandbox.contents(files, soon());
  assert.deepEqual(
    { files: files.map(({ mode, size }) => ({ mode, size })), contents: String(contents) },
    { files: [{ mode: '100644', size: 7 }], contents: String([Buffer.from('secret\n')]) },
  );
});
