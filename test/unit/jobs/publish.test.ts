import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BaseRepository, GitHub } from '../../../server/domain/github.ts';
import { startProgress } from '../../../server/jobs/progress.ts';
import { publish } from '../../../server/jobs/publish.ts';
import { base } from '../../support/base.ts';
import { queuedJob } from '../../support/jobs.ts';

const nothing = async () => {};

/** The first line of the commit and the title of the pull request. */
const publishedAs = async (title: string, prompt: string): Promise<string[]> => {
  const published: string[] = [];
  const baseRepository: BaseRepository = {
    ...{ base, files: new Map(), push: nothing, [Symbol.asyncDispose]: nothing },
    ...{ blobId: async () => 'b'.repeat(40), tree: async () => 'd'.repeat(40) },
    commit: async (_, message) => {
      published.push(message.split('\n', 1)[0] ?? '');
      return 'c'.repeat(40);
    },
  };
  const github: Pick<GitHub, 'createBranch' | 'createPullRequest'> = {
    createBranch: nothing,
    createPullRequest: async (_, __, text) => {
      published.push(text.title);
      return { ...text, url: 'https://github.com/octo/books/pull/1', number: 1, additions: 1, deletions: 0 };
    },
  };
  const job = queuedJob('a');
  await publish(
    {
      job: { ...job, request: { ...job.request, prompt } },
      answer: { title, description: '', summary: '', commands: [] },
      changeset: { files: [], leftOut: [] },
      evidence: undefined,
      ...{
        model: 'm',
        baseRepository,
        identity: { name: 'Bot', email: 'bot@example.com' },
        onCommit: nothing,
      },
    },
    { github: github as GitHub, emit: nothing, progress: startProgress(), redact: (text) => text },
    new AbortController().signal,
  );
  return published;
};

test('neither the commit nor the title closes an issue that the request does not name', async () => {
  const broken = 'F\u200bix #12';
  assert.deepEqual(await publishedAs('Fix #12', 'Mend it'), [broken, broken]);
  assert.deepEqual(await publishedAs('Fix #12', 'Mend #12'), ['Fix #12', 'Fix #12']);
});
