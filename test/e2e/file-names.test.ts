import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { commitIndex } from '../support/commit-index.ts';
import { script, startJobBench } from '../support/job-bench.ts';
import { publicationOf } from '../support/publication.ts';

const bench = await startJobBench();
after(() => bench[Symbol.asyncDispose]());
const { forge } = bench;

/** What Linux and git allow, and programs in between like to break. */
const names = [
  'with space.txt',
  ' leading and trailing ',
  `"double" 'single'.txt`,
  'caf\u00e9 composed.txt',
  'cafe\u0301 decomposed.txt',
  '日本語 🚀.md',
  '-rf',
  '--help',
  'new\nline.txt',
  'tab\tstop.txt',
  '*?[a-z].txt',
  '$(id) `id` %s.txt',
  '#comment',
  '!negated',
  '...',
  `${'long '.repeat(50)}.txt`,
];

const inFolder = <T>(folder: string, value: T): Record<string, T> =>
  Object.fromEntries(names.map((name) => [`${folder}/${name}`, value]));

test('files of any name that git allows are added, changed, deleted and moved as they are', async () => {
  const content = 'one\ntwo\nthree\n';
  const repository = await forge.createRepository('acme/names', {
    files: {
      ...inFolder('untouched', content),
      ...inFolder('changed', content),
      ...inFolder('deleted', content),
      ...inFolder('before', content),
    },
  });
  const outcome = await bench.run({
    repository,
    turns: script(`
      cp -R changed added
      for file in changed/* changed/...; do echo four >>"$file"; done
      rm -r deleted
      mv before after`),
  });
  const { changes, result, commit } = await publicationOf(forge, repository, outcome);
  assert.deepEqual(changes, {
    ...inFolder('added', 'A 100644'),
    ...inFolder('after', 'A 100644'),
    ...inFolder('before', 'D 100644'),
    ...inFolder('changed', 'M 100644'),
    ...inFolder('deleted', 'D 100644'),
  });
  assert.deepEqual(
    { files: result.filesChanged, leftOut: result.leftOut },
    { files: 5 * names.length, leftOut: [] },
  );
  assert.equal(await repository.git('cat-file', 'blob', `${commit}:changed/-rf`), `${content}four`);
});

test('files whose names are not UTF-8 stay as they are, and a change of one is left out', async () => {
  const repository = await forge.createRepository('acme/latin1', { files: { 'README.md': 'Read me\n' } });
  const blob = await repository.git('rev-parse', 'HEAD:README.md');
  // A quoted path in the index takes octal escapes; an argument of a process would be UTF-8.
  await commitIndex(
    repository,
    ['--index-info'],
    `100644 ${blob}\t"latin/caf\\351"\n100644 ${blob}\t"latin/\\374ber"\n`,
  );
  const before = await repository.git('rev-parse', 'HEAD:latin');
  const outcome = await bench.run({
    repository,
    turns: script(String.raw`echo more >>README.md; echo more >>latin/$'caf\351'; echo new >$'neu\374'`),
  });
  const { changes, commit, result } = await publicationOf(forge, repository, outcome);
  const reason = 'its name is not UTF-8';
  assert.deepEqual(
    { changes, leftOut: result.leftOut, latin: await repository.git('rev-parse', `${commit}:latin`) },
    {
      changes: { 'README.md': 'M 100644' },
      leftOut: [
        { path: 'latin/caf\ufffd', reason },
        { path: 'neu\ufffd', reason },
      ],
      latin: before,
    },
  );
});
