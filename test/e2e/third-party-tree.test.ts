import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ChangedFile } from '../../server/domain/changeset.ts';
import { createGitHub } from '../../server/github/github.ts';
import type { ForgeRepository } from '../support/forge/forge.ts';
import { basePack, limits } from '../support/github.ts';
import { type Outcome, script, startJobBench } from '../support/job-bench.ts';
import { call } from '../support/model/scenario.ts';
import { type Publication, publicationOf, treeOf } from '../support/publication.ts';
import { thirdPartySources } from '../support/third-party-sources.ts';

const bench = await startJobBench();
after(() => bench[Symbol.asyncDispose]());
const { forge } = bench;

test('a real source tree of more than a thousand files gets exactly the changes of the agent', async () => {
  const sources = await thirdPartySources('three@0.187.0');
  const repository = await forge.createRepository('mrdoob/three', {
    files: {
      ...sources,
      'latest.js': { symlink: 'build/three.module.js' },
      'tools/check.sh': { content: '#!/bin/sh\nexec node --check "$1"\n', executable: true },
    },
  });
  const before = await treeOf(repository, 'HEAD');
  assert(Object.keys(before).length > 1_000);

  const outcome = await bench.run({
    repository,
    turns: [
      {
        reply: [
          call('search', { pattern: 'class Vector2', path: 'src' }),
          call('read', { filepath: 'src/math/Vector2.js', limit: 20 }),
          call('edit', {
            filepath: 'src/math/Vector2.js',
            old_str: 'class Vector2 {',
            new_str: 'class Vector2 { // 2D',
          }),
          call('write', { filepath: 'src/math/Vector5.js', content: 'export class Vector5 {}\n' }),
        ],
      },
      ...script(`
        sed -i '1i // Changed.' src/Three.js src/constants.js
        tools/check.sh src/math/Vector2.js
        git rm --quiet src/math/Line3.js
        ls -l latest.js tools/check.sh && git status --short`),
    ],
  });
  const publication = await publicationOf(forge, repository, outcome);
  const changed = {
    'src/Three.js': 'M 100644',
    'src/constants.js': 'M 100644',
    'src/math/Line3.js': 'D 100644',
    'src/math/Vector2.js': 'M 100644',
    'src/math/Vector5.js': 'A 100644',
  };
  assert.deepEqual(publication.changes, changed);
  const untouched = (tree: Record<string, string>) =>
    Object.fromEntries(Object.entries(tree).filter(([path]) => !(path in changed)));
  assert.deepEqual(untouched(await treeOf(repository, publication.commit)), untouched(before));
  assert.match(before['latest.js'] ?? '', /^120000 /);
  assert.match(before['tools/check.sh'] ?? '', /^100755 /);
  await assertPublishingAgainChangesNothing(repository, publication, outcome);
});

/** What a second attempt of the same job would do, from what is on the forge: same commit id, nothing new. */
const assertPublishingAgainChangesNothing = async (
  repository: ForgeRepository,
  { commit, branch, changes, pullRequest }: Publication,
  { events }: Outcome,
): Promise<void> => {
  const signal = AbortSignal.timeout(30_000);
  const temporaryDirectory = await mkdtemp(join(tmpdir(), 'again-'));
  const { url, apiUrl, token } = forge;
  const options = { url, apiUrl, token, wayOutUrl: 'http://127.0.0.1:3128', userAgent: 'test' };
  const github = createGitHub({ ...options, limits, temporaryDirectory });
  const [owner = '', name = ''] = repository.fullName.split('/');
  const base = await github.resolveBase({ owner, name }, undefined, signal);
  const pack = await basePack(repository.directory, base.commit);
  const files = Object.entries(changes).map(([path, change]): ChangedFile => {
    if (change.startsWith('D')) return { status: 'deleted', path };
    const content = execFileSync('git', [
      '-C',
      repository.directory,
      'cat-file',
      'blob',
      `${commit}:${path}`,
    ]);
    return { status: 'modified', path, mode: '100644', content };
  });
  const message = `${await repository.git('log', '-1', '--format=%B', commit)}`;
  const timestamp = Math.floor(Date.parse(events[0]?.at ?? '') / 1_000);
  const identity = { name: 'Tiny Backspace', email: 'tiny-backspace@users.noreply.github.com', timestamp };
  const refs = await repository.git('for-each-ref');
  {
    await using again = await github.receiveBase(base, ReadableStream.from([pack]), signal);
    assert.equal(await again.commit(files.reverse(), message, identity), commit);
    await github.createBranch(base, branch, commit, signal);
    await again.push(commit, branch, signal);
  }
  const found = await github.createPullRequest(
    base,
    branch,
    { title: 'Again', body: '', draft: false },
    signal,
  );
  assert.deepEqual(
    { number: found.number, title: found.title, refs: await repository.git('for-each-ref') },
    { number: pullRequest.number, title: pullRequest.title, refs },
  );
  await rm(temporaryDirectory, { recursive: true });
};
