import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPathFilter, narrowing } from '../../../sandbox-image/toolbox/glob.ts';

const paths = [
  '.github/workflows/ci.yml',
  'README.md',
  'docs/a-b.md',
  'src/[id].tsx',
  'src/app.ts',
  'src/deep/app.test.ts',
  'src/deep/er/x.js',
  'test/app.js',
];

const chosenBy = (glob: string | undefined, directory?: string): string[] => {
  const isMeant = createPathFilter(glob, directory);
  assert.ok(typeof isMeant === 'function', JSON.stringify(isMeant));
  return paths.filter(isMeant);
};

test('a glob chooses the files that models mean with it', () => {
  const cases: Record<string, string[]> = {
    '*.md': ['README.md', 'docs/a-b.md'],
    '**/*.md': ['README.md', 'docs/a-b.md'],
    '/*.md': ['README.md'],
    './*.md': ['README.md'],
    './src/*.ts': ['src/app.ts'],
    '/workspace/src/*.ts': ['src/app.ts'],
    'src/**': ['src/[id].tsx', 'src/app.ts', 'src/deep/app.test.ts', 'src/deep/er/x.js'],
    'src/**/*.ts': ['src/app.ts', 'src/deep/app.test.ts'],
    '**/*.{ts,js}': ['src/app.ts', 'src/deep/app.test.ts', 'src/deep/er/x.js', 'test/app.js'],
    '{src,test}/*.{ts,js}': ['src/app.ts', 'test/app.js'],
    '{docs/*,**/*.yml}': ['.github/workflows/ci.yml', 'docs/a-b.md'],
    'app.*': ['src/app.ts', 'src/deep/app.test.ts', 'test/app.js'],
    'src/???.ts': ['src/app.ts'],
    '[A-R]*.md': ['README.md'],
    '[!A-R]*.md': ['docs/a-b.md'],
    'a[-x]b.md': ['docs/a-b.md'],
    'src/\\[id\\].tsx': ['src/[id].tsx'],
    deep: ['src/deep/app.test.ts', 'src/deep/er/x.js'],
    'src/deep/': ['src/deep/app.test.ts', 'src/deep/er/x.js'],
    '!src': ['.github/workflows/ci.yml', 'README.md', 'docs/a-b.md', 'test/app.js'],
    '!**/*.{md,yml,js,tsx}': ['src/app.ts', 'src/deep/app.test.ts'],
    '*.py': [],
    'a.b': [],
    '': paths,
    '**': paths,
    '*': paths,
    '**/*': paths,
  };
  assert.deepEqual(Object.fromEntries(Object.keys(cases).map((glob) => [glob, chosenBy(glob)])), cases);
  assert.deepEqual(chosenBy(undefined), paths);
});

test('a glob may begin at the directory that is looked in, or at the workspace', () => {
  assert.deepEqual(chosenBy('deep/*.ts', 'src'), ['src/deep/app.test.ts']);
  assert.deepEqual(chosenBy('src/deep/*.ts', 'src'), ['src/deep/app.test.ts']);
  assert.deepEqual(chosenBy('deep/*.ts'), []);
});

test('a glob that is none says why', () => {
  assert.deepEqual(createPathFilter('{a,b'), { globProblem: '«{a,b» has a { without a }' });
  assert.deepEqual(createPathFilter('[ab'), { globProblem: '«[ab» has a [ without a ]' });
});

test('a glob narrows what ripgrep looks at by names alone, where names say all', () => {
  const names = (glob: string) => narrowing(glob)[1];
  assert.deepEqual(['*.ts', 'src/**/*.{ts,js}', '{src,test}/app.*'].map(names), [
    ...['meant:*.ts', 'meant:*.{ts,js}', 'meant:app.*'],
  ]);
  for (const glob of ['', '**', '*', 'src/**', 'src', 'src/', '!*.ts', '{docs/*,**/*.yml}', '{a/x,b}']) {
    assert.equal(names(glob), undefined, glob);
  }
});
