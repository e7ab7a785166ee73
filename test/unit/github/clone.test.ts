import assert from 'node:assert/strict';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CloneProgress } from '../../../server/domain/github.ts';
import type { Base } from '../../../server/domain/repository.ts';
import { clone } from '../../../server/github/clone.ts';
import { createProgressReader } from '../../../server/github/clone-progress.ts';
import type { GitHubLimits } from '../../../server/github/options.ts';
import { basePack, pieces } from '../../support/github.ts';
import { type LocalSandbox, startLocalSandbox } from './local-sandbox.ts';
import { git, identity, never, type Scene, setUp, shop } from './set-up.ts';

const cloneInto = async (
  scene: Scene,
  sandbox: LocalSandbox,
  given: { base?: Base; branch?: string; limits?: Partial<GitHubLimits>; signal?: AbortSignal } = {},
): Promise<{ base: Base; told: CloneProgress[] }> => {
  const { github, options } = scene;
  const inside = {
    ...options,
    wayOutUrl: sandbox.wayOutUrl,
    limits: { ...options.limits, ...given.limits },
  };
  const base = given.base ?? (await github.resolveBase(shop, given.branch, never));
  const told: CloneProgress[] = [];
  await clone(inside, sandbox, base, (at) => told.push(at), given.signal ?? never);
  return { base, told };
};

test('the workspace has the files, modes and symlinks of the base on a branch that tracks its own', async () => {
  await using scene = await setUp({
    files: {
      'a "b" ü.txt': 'text\n',
      'run.sh': { content: '#!/bin/sh\n', executable: true },
      link: { symlink: 'run.sh' },
    },
  });
  await using sandbox = await startLocalSandbox();
  const { base } = await cloneInto(scene, sandbox);
  const { directory } = sandbox;
  assert.deepEqual((await readdir(directory)).sort(), ['.git', 'a "b" ü.txt', 'link', 'run.sh']);
  assert.equal((await stat(join(directory, 'run.sh'))).mode & 0o111, 0o111);
  assert.equal(await readlink(join(directory, 'link')), 'run.sh');
  assert.equal(await git(directory, 'rev-parse', 'HEAD'), base.commit);
  assert.equal(await git(directory, 'status', '--porcelain=v1', '--branch'), '## main...origin/main');
  assert.equal(await git(directory, 'log', '--format=%H'), base.commit);
  assert.deepEqual(scene.forge.violations, []);
});

test('the base is the commit that the API named, even when the branch has moved on', async () => {
  await using scene = await setUp();
  await using sandbox = await startLocalSandbox();
  const base = await scene.github.resolveBase(shop, undefined, never);
  await scene.repository.commit({ 'README.md': 'Moved on\n' });
  await cloneInto(scene, sandbox, { base });
  assert.equal(await readFile(join(sandbox.directory, 'README.md'), 'utf8'), 'Shop\n');
  // The way out stays open, so the agent can look at what is new.
  await git(sandbox.directory, 'fetch', '--quiet');
  assert.equal(await git(sandbox.directory, 'show', 'origin/main:README.md'), 'Moved on');
});

test('a private repository is cloned without any credential in the workspace', async () => {
  await using scene = await setUp(undefined, { private: true });
  await using sandbox = await startLocalSandbox();
  await cloneInto(scene, sandbox);
  const config = await readFile(join(sandbox.directory, '.git/config'), 'utf8');
  assert.match(config, new RegExp(`url = "${sandbox.wayOutUrl}/acme/shop\\.git"`));
  await assert.rejects(git(sandbox.directory, 'grep', '--no-index', '-r', scene.forge.token, '.'), {
    code: 1,
  });
  const fetches = scene.forge.requests.filter(({ path }) => path.startsWith('/acme/shop.git/'));
  assert.ok(fetches.length >= 1);
  assert.ok(fetches.every(({ authorization }) => authorization.kind === 'basic'));
});

test('a branch name that is full of signs hurts nobody', async () => {
  await using scene = await setUp();
  const branch = 'odd/"; touch $(pwd)$IFS;#é';
  const name = branch.replaceAll(' ', '');
  await scene.repository.commit({ 'README.md': 'Odd\n' }, 'Odd', name);
  await using sandbox = await startLocalSandbox();
  await cloneInto(scene, sandbox, { branch: name });
  assert.deepEqual((await readdir(sandbox.directory)).sort(), ['.git', 'README.md', 'src']);
  assert.equal(await git(sandbox.directory, 'symbolic-ref', '--short', 'HEAD'), name);
  assert.equal(await git(sandbox.directory, 'rev-parse', '--abbrev-ref', '@{upstream}'), `origin/${name}`);
});

test('attributes convert nothing, filters and hooks do not run, so every file is its blob', async () => {
  const files = {
    '.gitattributes':
      '* text=auto eol=crlf\n*.id ident\n*.u16 working-tree-encoding=UTF-16\n*.bin filter=lfs diff=lfs\n',
    'unix.txt': 'a\nb\n',
    'windows.txt': 'a\r\nb\r\n',
    'x.id': '$Id$\n',
    'x.u16': 'text\n',
    'x.bin': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n',
  };
  await using scene = await setUp({ files });
  await using sandbox = await startLocalSandbox();
  await cloneInto(scene, sandbox);
  for (const [path, content] of Object.entries(files)) {
    assert.equal(await readFile(join(sandbox.directory, path), 'utf8'), content);
  }
  assert.equal(await git(sandbox.directory, 'status', '--porcelain'), '');
});

test('progress has git’s phases with a rising percentage and the bytes so far', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 300 }, (_, index) => [
      `src/file${index}.ts`,
      `export const x${index} = ${index};\n`,
    ]),
  );
  await using scene = await setUp({ files });
  await using sandbox = await startLocalSandbox();
  const { told } = await cloneInto(scene, sandbox);
  const phases = [...new Set(told.map(({ phase }) => phase))];
  assert.ok(phases.includes('Receiving objects'), phases.join());
  assert.ok(phases.includes('Updating files'), phases.join());
  const last = told.at(-1);
  assert.equal(last?.phase, 'Updating files');
  assert.equal(last?.percent, 100);
  assert.ok((last?.bytes ?? 0) > 5_000);
});

test('git’s progress is read from any pieces and told in steps', () => {
  const told: [string, number][] = [];
  const read = createProgressReader((phase, percent) => told.push([phase, percent]));
  const lines = Array.from(
    { length: 101 },
    (_, percent) => `Receiving objects: ${percent}% (${percent}/100)`,
  );
  const text = `remote: Counting objects:  50% (1/2)\rnoise\nWarning: 12% (of something\n${lines.join('\r')}, done.\nResolving deltas: 100% (3/3)\nReceiving`;
  for (const character of text) read(character);
  assert.deepEqual(
    told.filter(([phase]) => phase !== 'Warning'),
    [
      ['Counting objects', 50],
      ...Array.from({ length: 11 }, (_, step) => ['Receiving objects', step * 10]),
      ['Resolving deltas', 100],
    ],
  );
});

test('a repository beyond the limit fails with that reason, not with git’s', async () => {
  const noise = Buffer.from(
    Array.from({ length: 300_000 }, (_, index) => (index * index * 31 + (index >> 3)) % 251),
  );
  await using scene = await setUp({ files: { 'noise.bin': noise } });
  await using sandbox = await startLocalSandbox();
  await assert.rejects(cloneInto(scene, sandbox, { limits: { gatewayBytesMax: 1_000 } }), {
    code: 'repository_too_large',
    message: 'The repository needs more than 1000 bytes to fetch.',
  });
});

test('what GitHub refuses is said with its status', async () => {
  await using scene = await setUp();
  for (const [status, code] of [
    [500, 'clone_failed'],
    [403, 'github_credentials'],
  ] as const) {
    await using sandbox = await startLocalSandbox();
    scene.forge.intercept(({ path }) => (path.endsWith('/git-upload-pack') ? { status } : undefined));
    await assert.rejects(cloneInto(scene, sandbox), {
      code,
      message: `GitHub answered the fetch of acme/shop with status ${status}.`,
    });
  }
});

test('a transfer that breaks off in the middle says so', async () => {
  await using scene = await setUp();
  await using sandbox = await startLocalSandbox();
  scene.forge.intercept(({ path }) => (path.endsWith('/git-upload-pack') ? { instead: 'drop' } : undefined));
  await assert.rejects(cloneInto(scene, sandbox), {
    code: 'clone_failed',
    message: 'The connection to GitHub broke off or took too long.',
  });
});

test('what GitHub says of a commit that it does not have is told on one line', async () => {
  await using scene = await setUp();
  await using sandbox = await startLocalSandbox();
  const base = { ...(await scene.github.resolveBase(shop, undefined, never)), commit: 'f'.repeat(40) };
  await assert.rejects(cloneInto(scene, sandbox, { base }), {
    code: 'clone_failed',
    message: /^GitHub did not send the base: .*not our ref f{40}/,
  });
});

test('a clone that takes too long is given up', async () => {
  await using scene = await setUp();
  await using sandbox = await startLocalSandbox();
  scene.forge.intercept(({ path }) => (path.endsWith('/git-upload-pack') ? { delayMs: 10_000 } : undefined));
  await assert.rejects(cloneInto(scene, sandbox, { limits: { cloneMs: 500 } }), {
    code: 'clone_failed',
    message: 'acme/shop was not there after 0.5 s.',
  });
});

test('a cancelled clone ends with the caller’s reason', async () => {
  await using scene = await setUp();
  await using sandbox = await startLocalSandbox();
  const stop = new AbortController();
  scene.forge.intercept(({ path }) => {
    if (path.endsWith('/git-upload-pack')) stop.abort(new Error('The job was cancelled.'));
    return undefined;
  });
  await assert.rejects(cloneInto(scene, sandbox, { signal: stop.signal }), {
    message: 'The job was cancelled.',
  });
});

test('the whole way: clone, pack from the workspace, commit, branch, push, pull request', async () => {
  await using scene = await setUp(undefined, { private: true });
  await using sandbox = await startLocalSandbox();
  const { base } = await cloneInto(scene, sandbox);
  const pack = pieces(await basePack(sandbox.directory, base.commit));
  await using baseRepository = await scene.github.receiveBase(base, pack, never);
  const content = Buffer.from('export const price = 2;\n');
  const commit = await baseRepository.commit(
    [{ status: 'modified', path: 'src/app.ts', mode: '100644', content }],
    'Raise the price',
    identity,
  );
  await scene.github.createBranch(base, 'backspace/1', commit, never);
  await baseRepository.push(commit, 'backspace/1', never);
  const text = { title: 'Raise the price', body: 'As asked.', draft: false };
  assert.deepEqual(await scene.github.createPullRequest(base, 'backspace/1', text, never), {
    url: `${scene.forge.url}/acme/shop/pull/1`,
    number: 1,
    title: 'Raise the price',
    draft: false,
    additions: 1,
    deletions: 1,
  });
  assert.equal(scene.forge.pullRequests('acme/shop')[0]?.headSha, commit);
  assert.deepEqual(scene.forge.violations, []);
});
