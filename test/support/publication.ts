import assert from 'node:assert/strict';
import type { Forge, ForgeRepository } from './forge/forge.ts';
import type { PullRequest } from './forge/pull-requests.ts';
import type { Outcome } from './job-bench.ts';

export type Publication = {
  base: string;
  commit: string;
  branch: string;
  pullRequest: PullRequest;
  /** Each changed path with what real git says of it: `M 100644`, `A 120000`, `M 100644 100755`, … */
  changes: Record<string, string>;
  result: Extract<Outcome['last'], { type: 'Result' }>;
};

/**
 * What a job has published, read with real git. Every publication is held to this: one commit on one new branch, the
 * base as its only parent, one pull request of the two, a repository that git finds in order.
 */
export const publicationOf = async (
  forge: Forge,
  repository: ForgeRepository,
  { last, jobId }: Outcome,
): Promise<Publication> => {
  assert(last.type === 'Result' && last.status === 'succeeded', JSON.stringify(last));
  const branch = `backspace/${jobId}`;
  const commit = await repository.git('rev-parse', `refs/heads/${branch}`);
  const [base = ''] = (await repository.git('log', '-1', '--format=%P', commit)).split(' ');
  const pullRequests = forge.pullRequests(repository.fullName).filter(({ head }) => head === branch);
  const [pullRequest] = pullRequests;
  assert(pullRequest && pullRequests.length === 1, 'one pull request');
  assert.deepEqual(
    { headSha: pullRequest.headSha, url: pullRequest.htmlUrl, saved: last.saved },
    { headSha: commit, url: last.prUrl, saved: { branch, commit, prUrl: pullRequest.htmlUrl } },
  );
  const format = '%P|%an <%ae> %ad|%cn <%ce> %cd|%s|%(trailers:key=Backspace-Job,valueonly,separator=)';
  const history = await repository.git('log', '-1', '--date=format:%z', `--format=${format}`, commit);
  const identity = 'Tiny Backspace <tiny-backspace@users.noreply.github.com> +0000';
  assert.equal(history, `${base}|${identity}|${identity}|${pullRequest.title}|${jobId}`);
  assert.equal(await repository.git('fsck', '--strict', '--no-dangling'), '');
  return {
    base,
    commit,
    branch,
    pullRequest,
    changes: await changesOf(repository, base, commit),
    result: last,
  };
};

/** Neither branch nor pull request: the forge is as it was. */
export const assertNothingPublished = async (forge: Forge, repository: ForgeRepository): Promise<void> => {
  const branches = await repository.git('for-each-ref', '--format=%(refname)', 'refs/heads/backspace');
  assert.deepEqual({ branches, pulls: forge.pullRequests(repository.fullName) }, { branches: '', pulls: [] });
};

/** Every file of a commit: path → `mode id`. */
export const treeOf = async (
  repository: ForgeRepository,
  commit: string,
): Promise<Record<string, string>> => {
  const lines = (await repository.git('ls-tree', '-r', '-z', commit))
    .split('\0')
    .filter((line) => line !== '');
  return Object.fromEntries(
    lines.map((line) => {
      const [about = '', ...path] = line.split('\t');
      const [mode, , id] = about.split(' ');
      return [path.join('\t'), `${mode} ${id}`];
    }),
  );
};

const changesOf = async (repository: ForgeRepository, base: string, commit: string) => {
  const raw = await repository.git('diff-tree', '-r', '-z', '--raw', '--no-renames', base, commit);
  const changes: Record<string, string> = {};
  const fields = raw.split('\0');
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [before = '', after = '', , , status = ''] = (fields[at] ?? '').slice(1).split(' ');
    const mode = status === 'D' ? before : after;
    const modes = status === 'A' || status === 'D' || before === after ? mode : `${before} ${after}`;
    changes[fields[at + 1] ?? ''] = `${status} ${modes}`;
  }
  return changes;
};
