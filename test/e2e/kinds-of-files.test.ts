import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import { commitIndex } from '../support/commit-index.ts';
import { script, startJobBench } from '../support/job-bench.ts';
import { call } from '../support/model/scenario.ts';
import { publicationOf, treeOf } from '../support/publication.ts';

const bench = await startJobBench();
after(() => bench[Symbol.asyncDispose]());
const { forge } = bench;

test('modes, links, binaries and empty things arrive as what they are', async () => {
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const repository = await forge.createRepository('acme/kinds', {
    files: {
      'becomes-executable.sh': '#!/bin/sh\n',
      'becomes-plain.sh': { content: '#!/bin/sh\n', executable: true },
      'becomes-changed.sh': { content: '#!/bin/sh\n', executable: true },
      'becomes-directory': 'a file\n',
      'becomes-file/a/b': 'below a directory\n',
      'becomes-file/c': 'below a directory\n',
      'becomes-link': 'a file\n',
      'becomes-empty': 'a file\n',
      'becomes-unreadable': 'a file\n',
      'logo.bin': everyByte,
      'link-becomes-file': { symlink: 'logo.bin' },
      'link-becomes-directory': { symlink: 'becomes-file' },
      'link-is-changed': { symlink: 'logo.bin' },
      'link-is-touched': { symlink: 'logo.bin' },
      'only-file-of-it/a': 'a file\n',
      'stays.sh': { content: '#!/bin/sh\n', executable: true },
    },
  });
  const outcome = await bench.run({
    repository,
    turns: script(String.raw`
      chmod +x becomes-executable.sh
      chmod -x becomes-plain.sh
      echo 'echo changed' >>becomes-changed.sh
      rm becomes-directory && mkdir -p becomes-directory/a && echo new >becomes-directory/a/b
      rm -r becomes-file && echo new >becomes-file
      rm becomes-link && ln -s logo.bin becomes-link
      : >becomes-empty
      echo new >becomes-unreadable && chmod 000 becomes-unreadable
      printf '\0\377\r\n' >>logo.bin
      rm link-becomes-file && echo new >link-becomes-file
      rm link-becomes-directory && mkdir link-becomes-directory && echo new >link-becomes-directory/c
      ln -sf '../nowhere at all' link-is-changed
      ln -sf logo.bin link-is-touched
      rm only-file-of-it/a
      touch stays.sh
      : >added-empty
      mkdir -p added-empty-directory/a
      ln -s /etc/passwd added-link
      ln becomes-changed.sh added-hard-link.sh
      mkfifo added-pipe`),
  });
  const { changes, commit } = await publicationOf(forge, repository, outcome);
  assert.deepEqual(changes, {
    'added-empty': 'A 100644',
    'added-hard-link.sh': 'A 100755',
    'added-link': 'A 120000',
    'becomes-changed.sh': 'M 100755',
    'becomes-directory': 'D 100644',
    'becomes-directory/a/b': 'A 100644',
    'becomes-empty': 'M 100644',
    'becomes-executable.sh': 'M 100644 100755',
    'becomes-file': 'A 100644',
    'becomes-file/a/b': 'D 100644',
    'becomes-file/c': 'D 100644',
    'becomes-link': 'T 100644 120000',
    'becomes-plain.sh': 'M 100755 100644',
    'becomes-unreadable': 'M 100644',
    'link-becomes-directory': 'D 120000',
    'link-becomes-directory/c': 'A 100644',
    'link-becomes-file': 'T 120000 100644',
    'link-is-changed': 'M 120000',
    'logo.bin': 'M 100644',
    'only-file-of-it/a': 'D 100644',
  });
  const blob = (path: string) => repository.git('cat-file', 'blob', `${commit}:${path}`);
  assert.deepEqual(
    [await blob('link-is-changed'), await blob('added-link'), await blob('added-hard-link.sh')],
    ['../nowhere at all', '/etc/passwd', '#!/bin/sh\necho changed'],
  );
  const logo = gitBlobId(Buffer.concat([everyByte, Buffer.from([0, 255, 13, 10])]));
  assert.equal(await repository.git('rev-parse', `${commit}:logo.bin`), logo);
});

test('attributes convert nothing: a one-line edit is a one-line change, whatever .gitattributes says', async () => {
  const attributes = [
    '* text=auto eol=crlf',
    '*.psd filter=lfs diff=lfs merge=lfs -text',
    '*.id ident',
    '*.utf16 text working-tree-encoding=UTF-16LE',
    '*.secret filter=encrypt',
    '',
  ].join('\n');
  const lines = Array.from({ length: 200 }, (_, index) => `line ${index}`);
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12\n`;
  const repository = await forge.createRepository('acme/attributes', {
    files: {
      '.gitattributes': attributes,
      'windows.txt': `${lines.join('\r\n')}\r\n`,
      'unix.txt': `${lines.join('\n')}\n`,
      'mixed.txt': `${lines.join('\r\n')}\n`,
      'art.psd': pointer,
      'untouched.psd': pointer,
      'version.id': '$Id$\n$Id: 0123456789012345678901234567890123456789 $\n',
      'text.utf16': 'größe\n',
      'key.secret': 'sealed\n',
      'untouched-windows.txt': `${lines.join('\r\n')}\r\n`,
    },
  });
  const outcome = await bench.run({
    repository,
    turns: [
      {
        reply: [
          call('edit', { filepath: 'windows.txt', old_str: 'line 7\n', new_str: 'line seven\n' }),
          call('edit', { filepath: 'unix.txt', old_str: 'line 7\n', new_str: 'line seven\n' }),
        ],
      },
      ...script(`
        sed -i '9s/8/eight/' mixed.txt
        for file in art.psd version.id text.utf16 key.secret; do echo more >>$file; done
        git add --all && git stash && git stash pop && git checkout --quiet -- untouched-windows.txt`),
    ],
  });
  const { base, commit } = await publicationOf(forge, repository, outcome);
  assert.deepEqual((await repository.git('diff', '--numstat', base, commit)).split('\n'), [
    '1\t0\tart.psd',
    '1\t0\tkey.secret',
    '1\t1\tmixed.txt',
    '1\t0\ttext.utf16',
    '1\t1\tunix.txt',
    '1\t0\tversion.id',
    '1\t1\twindows.txt',
  ]);
  const changed = await repository.git('diff', '--unified=0', base, commit, '--', 'windows.txt');
  assert.equal(changed.split('\n').slice(-2).join('\n'), '-line 7\r\n+line seven\r');
});

test('what .gitignore hides stays out, unless the base has it', async () => {
  const repository = await forge.createRepository('acme/ignored', {
    files: {
      '.gitignore': 'dist/\n*.log\n',
      'sub/.gitignore': '!wanted.log\nscratch\n',
      'dist/kept.js': 'old\n',
      'dist/gone.js': 'old\n',
      'dist/untouched.js': 'old\n',
      'tracked.log': 'old\n',
      'node.js': 'old\n',
    },
  });
  const outcome = await bench.run({
    repository,
    turns: script(`
      echo new >dist/kept.js && rm dist/gone.js
      echo new >tracked.log
      echo new >dist/new.js && echo new >new.log && echo new >sub/scratch
      echo new >sub/wanted.log
      git init --quiet inner && echo new >inner/file`),
  });
  const { changes } = await publicationOf(forge, repository, outcome);
  assert.deepEqual(changes, {
    'dist/gone.js': 'D 100644',
    'dist/kept.js': 'M 100644',
    'sub/wanted.log': 'A 100644',
    'tracked.log': 'M 100644',
  });
});

test('a submodule stays as it is, and what is written into its directory is left out', async () => {
  const repository = await forge.createRepository('acme/submodule', {
    files: {
      'README.md': 'Read me\n',
      '.gitmodules': '[submodule "lib"]\n\tpath = vendor/lib\n\turl = ../lib\n',
    },
  });
  const start = await repository.git('rev-parse', 'HEAD');
  await commitIndex(repository, ['--add', '--cacheinfo', `160000,${start},vendor/lib`]);
  const outcome = await bench.run({
    repository,
    turns: script('echo new >vendor/lib/file && echo new >vendor/other && echo more >>README.md'),
  });
  const { changes, commit, result } = await publicationOf(forge, repository, outcome);
  assert.deepEqual(
    { changes, leftOut: result.leftOut, submodule: (await treeOf(repository, commit))['vendor/lib'] },
    {
      changes: { 'README.md': 'M 100644', 'vendor/other': 'A 100644' },
      leftOut: [{ path: 'vendor/lib/file', reason: 'it lies in a submodule' }],
      submodule: `160000 ${start}`,
    },
  );
});

const gitBlobId = (bytes: Buffer): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
