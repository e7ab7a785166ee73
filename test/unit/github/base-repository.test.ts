import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { inspect } from 'node:util';
import type { ChangedFile } from '../../../server/domain/changeset.ts';
import type { BaseRepository } from '../../../server/domain/github.ts';
import type { Base } from '../../../server/domain/repository.ts';
import { createGitHub } from '../../../server/github/github.ts';
import { pieces } from '../../support/github.ts';
import { git, identity, never, type Scene, setUp, shop } from './set-up.ts';

const branch = 'backspace/job-1';
const file = (
  path: string,
  content: string,
  mode: '100644' | '100755' | '120000' = '100644',
): ChangedFile => ({
  status: 'added',
  path,
  mode,
  content: Buffer.from(content),
});
const deleted = (path: string): ChangedFile => ({ status: 'deleted', path });

const receive = async (scene: Scene): Promise<{ base: Base; baseRepository: BaseRepository }> => {
  const base = await scene.github.resolveBase(shop, undefined, never);
  const baseRepository = await scene.github.receiveBase(base, pieces(await scene.pack(base)), never);
  return { base, baseRepository };
};

/** Commits, pushes, and lets real git tell what arrived. */
const publish = async (scene: Scene, changes: readonly ChangedFile[]): Promise<string> => {
  const { base, baseRepository } = await receive(scene);
  await using _ = baseRepository;
  const commit = await baseRepository.commit(changes, 'Change', identity);
  await scene.github.createBranch(base, branch, commit, never);
  await baseRepository.push(commit, branch, never);
  await scene.repository.git('fsck', '--strict', '--no-dangling');
  assert.deepEqual(scene.forge.violations, []);
  return commit;
};

const changesOf = (scene: Scene, commit: string): Promise<string> =>
  scene.repository.git(
    '-c',
    'core.quotePath=false',
    'diff-tree',
    '-r',
    '--raw',
    '--abbrev=7',
    '--no-commit-id',
    commit,
  );

const listing = async (scene: Scene, commit: string): Promise<string[]> => {
  const lines = await scene.repository.git('ls-tree', '-r', '-z', commit);
  return lines.split('\0').flatMap((line) => (line === '' ? [] : [line.replace(/ \w+ [0-9a-f]+\t/, ' ')]));
};

test('a commit has the changes, the identity, the message and the base as its only parent', async () => {
  await using scene = await setUp();
  const { base } = await receive(scene);
  const commit = await publish(scene, [
    {
      status: 'modified',
      path: 'src/app.ts',
      mode: '100644',
      content: Buffer.from('export const price = 2;\n'),
    },
    file('src/new/run.sh', '#!/bin/sh\n', '100755'),
    file('link', 'src/app.ts', '120000'),
    deleted('README.md'),
  ]);
  assert.equal(
    await changesOf(scene, commit),
    [
      ':100644 000000 5361d0e 0000000 D\tREADME.md',
      ':000000 120000 0000000 33d7dc9 A\tlink',
      ':100644 100644 a9ce831 12de9c0 M\tsrc/app.ts',
      ':000000 100755 0000000 1a24852 A\tsrc/new/run.sh',
    ].join('\n'),
  );
  assert.equal(
    await scene.repository.git('cat-file', 'commit', commit),
    [
      `tree ${await scene.repository.git('rev-parse', `${commit}^{tree}`)}`,
      `parent ${base.commit}`,
      'author Backspace <bot@example.com> 1790000000 +0000',
      'committer Backspace <bot@example.com> 1790000000 +0000',
      '',
      'Change',
    ].join('\n'),
  );
  assert.equal(await scene.repository.git('rev-parse', `refs/heads/${branch}`), commit);
});

test('the same changes give the same commit id, in another order and another directory too', async () => {
  await using scene = await setUp();
  const changes = [file('b.txt', 'b\n'), file('a/a.txt', 'a\n'), deleted('README.md')];
  const first = await receive(scene);
  await using firstRepository = first.baseRepository;
  const second = await receive(scene);
  await using secondRepository = second.baseRepository;
  const ids = await Promise.all([
    firstRepository.commit(changes, 'Change', identity),
    firstRepository.commit(changes.toReversed(), 'Change', identity),
    secondRepository.commit(changes, 'Change', identity),
  ]);
  assert.equal(new Set(ids).size, 1);
  assert.notEqual(await secondRepository.commit(changes, 'Another', identity), ids[0]);
});

test('names with spaces, quotes, unicode, a leading dash and every order of git arrive as they are', async () => {
  const names = [
    'a b',
    '"q"',
    "it's",
    'ünïcode',
    '日本',
    '😀',
    '\uff5e',
    '-dash',
    'a',
    'a.b',
    'a0',
    'line\nend',
    'tab\t',
  ];
  await using scene = await setUp();
  const commit = await publish(
    scene,
    names.map((name) => file(name === 'a' ? 'a/inside' : name, `${name}\n`)),
  );
  const expected = [...names.map((name) => (name === 'a' ? 'a/inside' : name)), 'README.md', 'src/app.ts'];
  assert.deepEqual((await listing(scene, commit)).sort(), expected.map((name) => `100644 ${name}`).sort());
});

test('a file becomes a directory, a directory a file, and an emptied directory vanishes', async () => {
  await using scene = await setUp({
    files: { one: '1\n', 'two/x': 'x\n', 'two/y': 'y\n', 'three/deep/z': 'z\n', keep: 'k\n' },
  });
  const commit = await publish(scene, [
    deleted('one'),
    file('one/inside', '1\n'),
    deleted('two/x'),
    deleted('two/y'),
    file('two', '2\n'),
    deleted('three/deep/z'),
  ]);
  assert.deepEqual(await listing(scene, commit), ['100644 keep', '100644 one/inside', '100644 two']);
});

test('a changed mode alone is a change, and a file can become a symlink', async () => {
  await using scene = await setUp({ files: { 'run.sh': '#!/bin/sh\n', old: 'old\n' } });
  const commit = await publish(scene, [
    { status: 'modified', path: 'run.sh', mode: '100755', content: Buffer.from('#!/bin/sh\n') },
    { status: 'modified', path: 'old', mode: '120000', content: Buffer.from('run.sh') },
  ]);
  assert.deepEqual(await listing(scene, commit), ['120000 old', '100755 run.sh']);
});

test('when every file is deleted the commit has git’s empty tree', async () => {
  await using scene = await setUp({ files: { 'a/b': 'x\n' } });
  const commit = await publish(scene, [deleted('a/b')]);
  assert.equal(
    await scene.repository.git('rev-parse', `${commit}^{tree}`),
    '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  );
});

test('files of any bytes arrive unchanged', async () => {
  await using scene = await setUp();
  const content = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256));
  const commit = await publish(scene, [{ status: 'added', path: 'blob.bin', mode: '100644', content }]);
  const blob = await scene.repository.git('rev-parse', `${commit}:blob.bin`);
  assert.equal(await git(scene.repository.directory, 'cat-file', '-s', blob), '70000');
});

test('untouched names that are not UTF-8 keep their bytes', async () => {
  await using scene = await setUp();
  const { directory } = scene.repository;
  const blob = await git(directory, 'rev-parse', 'HEAD:README.md');
  // As printf writes it, because an argument in Node is text.
  const script = `printf '100644 blob ${blob}\\tcaf\\351\\n100644 blob ${blob}\\tplain\\n' | git mktree`;
  const tree = execFileSync('sh', ['-c', script], { cwd: directory, encoding: 'utf8' }).trim();
  const made = await git(
    directory,
    '-c',
    'user.name=a',
    '-c',
    'user.email=b',
    'commit-tree',
    '-m',
    'Latin',
    tree,
  );
  await git(directory, 'update-ref', 'HEAD', made);
  const commit = await publish(scene, [file('new', 'new\n')]);
  assert.deepEqual((await scene.repository.git('ls-tree', '--name-only', commit)).split('\n'), [
    '"caf\\351"',
    'new',
    'plain',
  ]);
});

test('a base with two parents and a submodule takes a commit', async () => {
  await using scene = await setUp();
  const { directory } = scene.repository;
  const identityArgs = ['-c', 'user.name=a', '-c', 'user.email=b'];
  const main = await git(directory, 'rev-parse', 'HEAD');
  const side = await scene.repository.commit({ side: 'side\n' }, 'Side', 'side');
  const blob = await git(directory, 'rev-parse', 'HEAD:README.md');
  const input = `100644 blob ${blob}\tREADME.md\n160000 commit ${main}\tlib\n`;
  const tree = execFileSync('git', ['mktree', '--missing'], {
    cwd: directory,
    encoding: 'utf8',
    input,
  }).trim();
  const merge = await git(
    directory,
    ...identityArgs,
    'commit-tree',
    '-m',
    'Merge',
    '-p',
    main,
    '-p',
    side,
    tree,
  );
  await git(directory, 'update-ref', 'HEAD', merge);
  const commit = await publish(scene, [file('new', 'new\n')]);
  assert.deepEqual(await listing(scene, commit), ['100644 README.md', '160000 lib', '100644 new']);
});

test('a push sends the new objects only, also when the default branch has moved on', async () => {
  const many = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [
      `src/d${index % 20}/file${index}.ts`,
      `export const x = ${index};\n`,
    ]),
  );
  await using scene = await setUp({ files: many });
  const { base, baseRepository } = await receive(scene);
  await using _ = baseRepository;
  const commit = await baseRepository.commit([file('src/d1/new.ts', 'new\n')], 'Change', identity);
  await scene.repository.commit({ 'src/d2/file2.ts': 'moved on\n' });
  await scene.github.createBranch(base, branch, commit, never);
  const before = await countObjects(scene);
  await baseRepository.push(commit, branch, never);
  // The blob, three trees (d1, src, root) and the commit.
  assert.equal((await countObjects(scene)) - before, 5);
});

test('pushing again is a no-op', async () => {
  await using scene = await setUp();
  const { base, baseRepository } = await receive(scene);
  await using _ = baseRepository;
  const commit = await baseRepository.commit([file('new', 'new\n')], 'Change', identity);
  await scene.github.createBranch(base, branch, commit, never);
  await baseRepository.push(commit, branch, never);
  const requests = scene.forge.requests.length;
  await baseRepository.push(commit, branch, never);
  assert.deepEqual(
    scene.forge.requests.slice(requests).map(({ method, path }) => `${method} ${path}`),
    ['GET /acme/shop.git/info/refs'],
  );
});

test('a push whose answer was lost is found out and not made twice', async () => {
  await using scene = await setUp();
  let struck = 0;
  scene.forge.intercept(({ method, path }) => {
    if (method !== 'POST' || !path.endsWith('/git-receive-pack') || struck > 0) return undefined;
    struck += 1;
    return { afterwards: 'drop' };
  });
  const commit = await publish(scene, [file('new', 'new\n')]);
  assert.equal(struck, 1);
  assert.equal(await scene.repository.git('rev-parse', `refs/heads/${branch}`), commit);
  const pushes = scene.forge.requests.filter(({ path }) => path.endsWith('/git-receive-pack'));
  assert.equal(pushes.length, 1);
});

test('a branch with somebody else’s commit is never pushed to', async () => {
  await using scene = await setUp();
  const { baseRepository } = await receive(scene);
  await using _ = baseRepository;
  const theirs = await scene.repository.commit({ theirs: 'theirs\n' }, 'Theirs', branch);
  const commit = await baseRepository.commit([file('new', 'new\n')], 'Change', identity);
  await assert.rejects(baseRepository.push(commit, branch, never), {
    code: 'branch_squatted',
    message: `The branch «${branch}» has a commit that is not this job’s: ${theirs}.`,
  });
  assert.equal(await scene.repository.git('rev-parse', `refs/heads/${branch}`), theirs);
});

/** Does this once, before the push that follows a look at the list of branches. */
const beforeThePush = (scene: Scene, act: () => Promise<unknown>): void => {
  let isDone = false;
  scene.forge.intercept(async ({ path }) => {
    if (!path.endsWith('/git-receive-pack') || isDone) return undefined;
    isDone = true;
    await act();
    return undefined;
  });
};

test('a push is fine when another server pushes the same in the meantime', async () => {
  await using scene = await setUp();
  const { base, baseRepository } = await receive(scene);
  await using _ = baseRepository;
  const commit = await baseRepository.commit([file('new', 'new\n')], 'Change', identity);
  await scene.github.createBranch(base, branch, commit, never);
  beforeThePush(scene, () => baseRepository.push(commit, branch, never));
  await baseRepository.push(commit, branch, never);
  assert.equal(await scene.repository.git('rev-parse', `refs/heads/${branch}`), commit);
});

test('somebody else’s commit that comes in the meantime is not pushed over either', async () => {
  await using scene = await setUp();
  const { base, baseRepository } = await receive(scene);
  await using _ = baseRepository;
  const commit = await baseRepository.commit([file('new', 'new\n')], 'Change', identity);
  await scene.github.createBranch(base, branch, commit, never);
  beforeThePush(scene, () => scene.repository.commit({ theirs: 'theirs\n' }, 'Theirs', branch));
  await assert.rejects(baseRepository.push(commit, branch, never), { code: 'branch_squatted' });
});

test('a rate limit is told as one, with its end, not as a missing right', async () => {
  await using scene = await setUp();
  const { base, baseRepository } = await receive(scene);
  await using _ = baseRepository;
  const commit = await baseRepository.commit([file('new', 'new\n')], 'Change', identity);
  await scene.github.createBranch(base, branch, commit, never);
  for (const [status, headers] of [
    [403, { 'retry-after': '30' }],
    [429, {}],
  ] as const) {
    scene.forge.intercept(() => ({ status, headers, body: 'Slow down' }));
    await assert.rejects(baseRepository.push(commit, branch, never), {
      code: 'github_failed',
      message: 'GitHub’s rate limit for this token is used up: Slow down',
      whatToDo: /^Send the job again after 20\d\d-/,
    });
  }
});

test('a push to a branch that is gone says so and sends nothing', async () => {
  await using scene = await setUp();
  const { baseRepository } = await receive(scene);
  await using _ = baseRepository;
  const commit = await baseRepository.commit([file('new', 'new\n')], 'Change', identity);
  await assert.rejects(baseRepository.push(commit, branch, never), {
    code: 'publish_failed',
    message: /no such branch/,
  });
});

test('a token that may only read gives github_credentials, and its error tells no secret', async () => {
  await using scene = await setUp();
  const { base } = await receive(scene);
  await using reader = await setUpReader(scene);
  const commit = await reader.commit([file('new', 'new\n')], 'Change', identity);
  await scene.github.createBranch(base, branch, commit, never);
  const error = await reader.push(commit, branch, never).then(
    () => assert.fail('It was pushed.'),
    (thrown: unknown) => thrown,
  );
  assert.equal((error as { code?: unknown }).code, 'github_credentials');
  const text = inspect(error, { depth: 20 });
  for (const secret of [
    scene.forge.readOnlyToken,
    Buffer.from(`x-access-token:${scene.forge.readOnlyToken}`).toString('base64'),
  ]) {
    assert.equal(text.includes(secret), false);
  }
});

test('GitHub’s own words say why it refused a push', async () => {
  await using scene = await setUp();
  await scene.repository.git('config', 'receive.maxInputSize', '10');
  await assert.rejects(publish(scene, [file('new', 'x'.repeat(10_000))]), {
    code: 'publish_failed',
    message: /exceeds maximum allowed size/,
  });
});

test('a cancelled push ends with the caller’s reason', async () => {
  await using scene = await setUp();
  const { baseRepository } = await receive(scene);
  await using _ = baseRepository;
  const commit = await baseRepository.commit([file('new', 'new\n')], 'Change', identity);
  const stop = new AbortController();
  scene.forge.intercept(({ path }) => {
    if (path.endsWith('/info/refs')) stop.abort(new Error('The job was cancelled.'));
    return undefined;
  });
  await assert.rejects(baseRepository.push(commit, branch, stop.signal), {
    message: 'The job was cancelled.',
  });
});

const badPaths = [
  '../up',
  'a/../../b',
  '/etc/passwd',
  '.git/config',
  'src/.GIT/hooks/x',
  'a//b',
  'a\\b',
  '',
  'a/',
];

for (const path of badPaths) {
  test(`a change of the path ${JSON.stringify(path)} is refused`, async () => {
    await using scene = await setUp();
    const { baseRepository } = await receive(scene);
    await using _ = baseRepository;
    await assert.rejects(baseRepository.commit([file(path, 'x')], 'Change', identity), {
      code: 'changeset_refused',
    });
  });
}

test('changes that contradict each other are refused', async () => {
  await using scene = await setUp();
  const { baseRepository } = await receive(scene);
  await using _ = baseRepository;
  const both = baseRepository.commit([file('a', 'x'), file('a/b', 'x')], 'Change', identity);
  await assert.rejects(both, { code: 'changeset_refused', message: /a file and a directory/ });
  const twice = baseRepository.commit([file('a', 'x'), deleted('a')], 'Change', identity);
  await assert.rejects(twice, { code: 'changeset_refused', message: /twice/ });
});

test('a refused base, a disposed one and one whose pack is too long leave nothing on disk', async () => {
  await using scene = await setUp(undefined, { limits: { packBytesMax: 2000 } });
  const base = await scene.github.resolveBase(shop, undefined, never);
  await assert.rejects(scene.github.receiveBase(base, pieces(Buffer.from('x'.repeat(100))), never), {
    code: 'base_refused',
  });
  await assert.rejects(scene.github.receiveBase(base, endless(), never), {
    code: 'base_refused',
    message: /more than 2000 bytes/,
  });
  const { baseRepository } = await receive(scene);
  assert.equal((await readdir(scene.directory)).length, 1);
  await baseRepository[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(scene.directory), []);
});

async function* endless(): AsyncGenerator<Uint8Array> {
  while (true) yield new Uint8Array(100);
}

async function countObjects(scene: Scene): Promise<number> {
  const all = await scene.repository.git('cat-file', '--batch-all-objects', '--batch-check');
  return all.split('\n').length;
}

/** The same base, held by a server whose token may only read. */
async function setUpReader(scene: Scene): Promise<BaseRepository> {
  const github = createGitHub({ ...scene.options, token: scene.forge.readOnlyToken });
  const base = await scene.github.resolveBase(shop, undefined, never);
  return github.receiveBase(base, pieces(await scene.pack(base)), never);
}
