import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { WorkspaceFile } from '../../../server/domain/changeset.ts';
import { soon } from '../../support/sandboxes.ts';
import { startToolboxProcess, type ToolboxProcess } from '../../support/toolbox-process.ts';

const git = (directory: string, ...args: string[]) =>
  execFileSync('git', ['-C', directory, '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trimEnd();

/** A directory with these files; a name that ends with a slash is an empty directory. */
const fill = ({ workspace }: ToolboxProcess, files: Record<string, string>) => {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(workspace, name);
    mkdirSync(path.dirname(file), { recursive: true });
    if (name.endsWith('/')) mkdirSync(file);
    else writeFileSync(file, content);
  }
};

const list = async ({ toolbox }: ToolboxProcess, tracked: string[] = []) => {
  const files = await toolbox.files(tracked, soon());
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
};
const paths = async (running: ToolboxProcess, tracked: string[] = []) =>
  (await list(running, tracked)).map((file) => file.path);
const contents = async ({ toolbox }: ToolboxProcess, files: WorkspaceFile[]) =>
  (await toolbox.contents(files, soon())).map((bytes) => Buffer.from(bytes).toString('utf8'));

const oddNames = [
  'with space.txt',
  'quote".txt',
  "apostrophe'.txt",
  'back\\slash.txt',
  'new\nline.txt',
  'tab\t.txt',
  '-leading-dash.txt',
  '--checkpoint-action=exec=false',
  '@file',
  ' leading space',
  'trailing space ',
  'ünïcödé-NFC-\u00e9.txt',
  'NFD-e\u0301.txt',
  '日本語/🙂.txt',
  '*star?.txt',
  '[brackets].txt',
  `${'long'.repeat(60)}.txt`,
  `${'deep/'.repeat(40)}file.txt`,
  '.hidden/.file',
];

describe('the listing of the workspace', () => {
  test('gives path, mode, git’s blob id and size of every file', async () => {
    await using running = await startToolboxProcess();
    fill(running, { 'plain.txt': 'plain\n', 'run.sh': '#!/bin/sh\n', empty: '', 'empty-directory/': '' });
    chmodSync(path.join(running.workspace, 'run.sh'), 0o755);
    symlinkSync('plain.txt', path.join(running.workspace, 'link'));
    symlinkSync('/etc/passwd', path.join(running.workspace, 'outside'));
    const id = (content: string) =>
      execFileSync('git', ['hash-object', '--stdin'], { input: content, encoding: 'utf8' }).trim();
    const files = await list(running);
    assert.deepEqual(files, [
      { path: 'empty', mode: '100644', blobId: id(''), size: 0 },
      { path: 'link', mode: '120000', blobId: id('plain.txt'), size: 9 },
      { path: 'outside', mode: '120000', blobId: id('/etc/passwd'), size: 11 },
      { path: 'plain.txt', mode: '100644', blobId: id('plain\n'), size: 6 },
      { path: 'run.sh', mode: '100755', blobId: id('#!/bin/sh\n'), size: 10 },
    ]);
    assert.deepEqual(await contents(running, files), [
      '',
      'plain.txt',
      '/etc/passwd',
      'plain\n',
      '#!/bin/sh\n',
    ]);
  });

  test('takes every name that git takes, and the contents come under the same names', async () => {
    await using running = await startToolboxProcess();
    fill(running, Object.fromEntries(oddNames.map((name) => [name, `this is ${name}`])));
    const files = await list(running);
    const names = files.map((file) => file.path);
    assert.deepEqual(names, oddNames.toSorted());
    assert.deepEqual(
      await contents(running, files),
      names.map((name) => `this is ${name}`),
    );
  });

  test('leaves out what .gitignore names, but not when the base has it', async () => {
    await using running = await startToolboxProcess();
    fill(running, {
      '.gitignore': '*.log\nbuild/\n',
      'kept.txt': '1',
      'noise.log': '2',
      'tracked.log': '3',
      'build/new.js': '4',
      'build/tracked.js': '5',
      'sub/.gitignore': '!wanted.log\n',
      'sub/wanted.log': '6',
    });
    const tracked = ['tracked.log', 'build/tracked.js', 'kept.txt', 'deleted.txt', 'gone/deleted.txt'];
    assert.deepEqual(await paths(running, tracked), [
      '.gitignore',
      'build/tracked.js',
      'kept.txt',
      'sub/.gitignore',
      'sub/wanted.log',
      'tracked.log',
    ]);
  });

  test('leaves FIFOs, sockets and repositories inside the repository out', async () => {
    await using running = await startToolboxProcess();
    fill(running, { 'kept.txt': '', 'nested/file.txt': '', 'module/tracked.txt': '', 'module/new.txt': '' });
    execFileSync('mkfifo', [path.join(running.workspace, 'pipe')]);
    const socket = createServer().listen(path.join(running.workspace, 'socket'));
    git(running.workspace, 'init', '--quiet', 'nested');
    git(running.workspace, 'init', '--quiet', 'module');
    for (const nested of ['nested', 'module'])
      git(path.join(running.workspace, nested), 'commit', '--quiet', '--allow-empty', '-m', 'x');
    assert.deepEqual(await paths(running, ['module/tracked.txt', 'pipe']), [
      'kept.txt',
      'module/tracked.txt',
    ]);
    socket.close();
  });

  test('does not follow a link that stands where a tracked directory was', async () => {
    await using running = await startToolboxProcess();
    fill(running, { 'real/a.txt': 'a', 'src/a.txt': 'a', 'src/deep/b.txt': 'b' });
    rmSync(path.join(running.workspace, 'src'), { recursive: true });
    symlinkSync('real', path.join(running.workspace, 'src'));
    assert.deepEqual(await paths(running, ['src/a.txt', 'src/deep/b.txt']), ['real/a.txt', 'src']);
  });

  test('sees a directory that became a file, and a file that became a directory', async () => {
    await using running = await startToolboxProcess();
    fill(running, { 'was-directory': 'now a file', 'was-file/inside.txt': 'now a directory' });
    assert.deepEqual(await paths(running, ['was-directory/inside.txt', 'was-directory/a/b', 'was-file']), [
      'was-directory',
      'was-file/inside.txt',
    ]);
  });

  test('does not care what the agent did to its own git', async () => {
    await using running = await startToolboxProcess();
    const { workspace } = running;
    fill(running, { '.gitignore': '*.log\n', 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' });
    git(workspace, 'init', '--quiet');
    git(workspace, 'add', '.');
    git(workspace, 'commit', '--quiet', '-m', 'base');
    const tracked = ['.gitignore', 'a.txt', 'b.txt', 'c.txt'];
    fill(running, { 'a.txt': 'changed', 'new.txt': 'new', 'noise.log': 'noise', 'ignore-all': '*\n' });
    const expected = await list(running, tracked);
    const bends: Record<string, () => void> = {
      'commit everything': () => {
        git(workspace, 'add', '.');
        git(workspace, 'commit', '--quiet', '-m', 'agent');
      },
      'assume unchanged': () => git(workspace, 'update-index', '--assume-unchanged', 'a.txt'),
      'skip the worktree': () => git(workspace, 'update-index', '--skip-worktree', 'b.txt'),
      'exclude everything': () => {
        git(workspace, 'config', 'core.excludesFile', path.join(workspace, 'ignore-all'));
        writeFileSync(path.join(workspace, '.git/info/exclude'), '*\n');
      },
      'another worktree': () => git(workspace, 'config', 'core.worktree', '/nowhere'),
      'a file-system monitor': () =>
        appendConfig(`[core]\n\tfsmonitor = touch ${workspace}/monitor-was-here\n`),
      'an alias': () => appendConfig(`[alias]\n\tls-files = !touch ${workspace}/alias-was-here\n`),
      'a broken configuration': () => appendConfig('[[[\n'),
      'no index': () => rmSync(path.join(workspace, '.git/index')),
      'a .git file': () => {
        renameSync(path.join(workspace, '.git'), path.join(workspace, '..', 'moved.git'));
        writeFileSync(path.join(workspace, '.git'), 'gitdir: /nowhere\n');
      },
      'no .git': () => rmSync(path.join(workspace, '.git')),
    };
    const appendConfig = (text: string) =>
      writeFileSync(path.join(workspace, '.git/config'), text, { flag: 'a' });
    const seen: Record<string, WorkspaceFile[]> = {};
    for (const [name, bend] of Object.entries(bends)) {
      bend();
      seen[name] = await list(running, tracked);
    }
    assert.deepEqual(seen, Object.fromEntries(Object.keys(bends).map((name) => [name, expected])));
  });

  test('a file that its owner may not read is listed all the same', async () => {
    await using running = await startToolboxProcess();
    fill(running, { 'secret.txt': 'content' });
    chmodSync(path.join(running.workspace, 'secret.txt'), 0);
    const files = await list(running);
    assert.deepEqual(
      files.map(({ path: name, mode, size }) => ({ name, mode, size })),
      [{ name: 'secret.txt', mode: '100644', size: 7 }],
    );
    assert.deepEqual(await contents(running, files), ['content']);
  });

  test('that breaks off is an error and not a shorter list', async () => {
    await using running = await startToolboxProcess();
    fill(running, { 'a.txt': '', 'b.txt': '' });
    rmSync(path.join(running.workspace, '..', 'empty.git'), { recursive: true });
    await assert.rejects(list(running), /broke its answer to \/files off: git ls-files ended with 128/);
  });

  test('more files than allowed are an error', async () => {
    await using running = await startToolboxProcess({ filesMax: 3 });
    fill(running, { a: '', b: '', c: '', d: '' });
    await assert.rejects(list(running), /The workspace has more files than the server looks at/);
  });

  test('more bytes than the workspace can hold are an error, and nobody counts the holes of a sparse file', async () => {
    await using running = await startToolboxProcess({ workspaceBytes: 1000 });
    fill(running, { a: 'a'.repeat(600), b: '' });
    execFileSync('truncate', ['--size', '400', path.join(running.workspace, 'b')]);
    assert.deepEqual(await paths(running), ['a', 'b']);
    execFileSync('truncate', ['--size', '8T', path.join(running.workspace, 'b')]);
    await assert.rejects(list(running), {
      code: 'changeset_refused',
      message: 'With b (8796093022208 bytes) the files are larger than the workspace.',
    });
  });

  test('goes on behind what git finds and nobody can open, for its path is too long', async () => {
    await using running = await startToolboxProcess();
    fill(running, { 'z.txt': '' });
    // Below 4096 characters as git sees it, and above with the workspace before it.
    const script = `import os
for _ in range(2040): os.mkdir('d'); os.chdir('d')
open('file', 'w').close()`;
    execFileSync('python3', ['-c', script], { cwd: running.workspace });
    assert.deepEqual(await paths(running), ['z.txt']);
    execFileSync('rm', ['-r', 'd'], { cwd: running.workspace });
  });

  test('a tracked directory that became a link to itself is gone, and the link is there', async () => {
    await using running = await startToolboxProcess();
    symlinkSync('loop', path.join(running.workspace, 'loop'));
    assert.deepEqual(await paths(running, ['loop/file.txt', 'loop/deeper/file.txt']), ['loop']);
  });
});

describe('the contents of listed files', () => {
  test('two names of one file both come', async () => {
    await using running = await startToolboxProcess();
    fill(running, { 'first.txt': 'the same file' });
    execFileSync('ln', ['first.txt', 'second.txt'], { cwd: running.workspace });
    assert.deepEqual(await contents(running, await list(running)), ['the same file', 'the same file']);
  });

  test('a sparse file comes with its holes', async () => {
    await using running = await startToolboxProcess();
    execFileSync('truncate', ['--size', '1M', path.join(running.workspace, 'sparse.bin')]);
    const [bytes] = await running.toolbox.contents(await list(running), soon());
    assert.ok(Buffer.from(bytes ?? []).equals(Buffer.alloc(1 << 20)));
  });

  test('a file that changed, grew, vanished or became a link since the listing is an error', async () => {
    const changes: Record<string, (file: string) => void> = {
      changed: (file) => writeFileSync(file, 'olleh'),
      grew: (file) => writeFileSync(file, 'hello, hello'),
      shrank: (file) => writeFileSync(file, 'h'),
      vanished: (file) => rmSync(file),
      'became a link': (file) => {
        rmSync(file);
        symlinkSync('hello', file);
      },
      'became a directory': (file) => {
        rmSync(file);
        mkdirSync(file);
      },
    };
    await using running = await startToolboxProcess();
    const messages: Record<string, string> = {};
    for (const [name, change] of Object.entries(changes)) {
      fill(running, { [name]: 'hello' });
      const [file] = (await list(running)).filter((listed) => listed.path === name);
      assert.ok(file);
      change(path.join(running.workspace, name));
      messages[name] = await running.toolbox.contents([file], soon()).then(
        () => 'no error',
        (error: Error) => error.message,
      );
    }
    assert.deepEqual(messages, {
      changed: 'changed changed while it was read.',
      grew: 'A file in the archive is longer than it was listed.',
      shrank: 'shrank changed while it was read.',
      vanished:
        'The toolbox broke its answer to /tar-out off: tar ended with 2. tar: vanished: Cannot stat: No such file or directory\ntar: Exiting with failure status due to previous errors',
      'became a link': 'became a link is not the kind of file that was listed.',
      'became a directory': 'The archive holds "became a directory/", which was not asked for.',
    });
  });

  test('no files need no archive', async () => {
    await using running = await startToolboxProcess();
    assert.deepEqual(await running.toolbox.contents([], soon()), []);
  });
});

describe('the pack of the base', () => {
  test('holds the commit and its trees, no blob and no delta', async () => {
    await using running = await startToolboxProcess();
    const { workspace, toolbox } = running;
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`dir-${index % 7}/file-${index}.txt`, `${index}\n`]),
    );
    fill(running, many);
    git(workspace, 'init', '--quiet');
    git(workspace, 'add', '.');
    git(workspace, 'commit', '--quiet', '-m', 'first');
    fill(running, { 'dir-1/file-1.txt': 'second version\n' });
    git(workspace, 'commit', '--quiet', '-a', '-m', 'second');
    // Deltas between trees are there now, and must not be reused.
    git(workspace, 'gc', '--quiet', '--aggressive');
    const commit = git(workspace, 'rev-parse', 'HEAD');
    const trees = git(workspace, 'ls-tree', '-r', '-t', '-d', '--format=%(objectname)', 'HEAD').split('\n');
    const root = git(workspace, 'rev-parse', 'HEAD^{tree}');

    const pack = Buffer.concat(await Array.fromAsync(toolbox.basePack(commit, soon())));

    const file = path.join(workspace, '..', 'base.pack');
    writeFileSync(file, pack);
    git(workspace, 'index-pack', file);
    const objects = git(workspace, 'verify-pack', '-v', file)
      .split('\n')
      .flatMap((line) => {
        // id, type, size, size in the pack, offset; a delta has its depth and base behind that.
        const [id = '', type = '', ...numbers] = line.split(/\s+/);
        return /^[0-9a-f]{40}$/.test(id) ? [{ id, type, isDelta: numbers.length > 3 }] : [];
      });
    const wanted = [
      { id: commit, type: 'commit', isDelta: false },
      ...[root, ...trees].map((id) => ({ id, type: 'tree', isDelta: false })),
    ];
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    assert.deepEqual(objects.toSorted(byId), wanted.toSorted(byId));
  });

  test('of a commit that is not there breaks off', async () => {
    await using running = await startToolboxProcess();
    git(running.workspace, 'init', '--quiet');
    const pack = Array.fromAsync(running.toolbox.basePack('0'.repeat(40), soon()));
    await assert.rejects(pack, /The toolbox broke its answer to \/pack off: git pack-objects ended with 128/);
  });
});
