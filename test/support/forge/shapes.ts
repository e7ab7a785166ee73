import type { Git } from './git-process.ts';
import type { PullRequest } from './pull-requests.ts';
import type { Repository } from './repository-store.ts';
import type { RestWorld } from './rest-answer.ts';

/*
 * GitHub's nouns as its API tells them. Only what a client may want to believe is said here; what the description
 * requires beyond that is filled in by `GitHubDescription.complete`.
 */

export const forgeLogin = 'tiny-backspace';

export const userShape = ({ apiUrl, url }: RestWorld, login: string) => ({
  login,
  id: [...login].reduce((sum, character) => (sum * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003, 7),
  node_id: nodeId('User', login),
  type: 'User',
  site_admin: false,
  url: `${apiUrl}/users/${login}`,
  html_url: `${url}/${login}`,
});

export const repositoryShape = (world: RestWorld, repository: Repository, mayWrite: boolean) => {
  const { id, fullName, isPrivate, defaultBranch, createdAt } = repository;
  const [owner = '', name = ''] = fullName.split('/');
  return {
    id,
    node_id: nodeId('Repository', String(id)),
    name,
    full_name: fullName,
    private: isPrivate,
    visibility: isPrivate ? 'private' : 'public',
    owner: userShape(world, owner),
    url: `${world.apiUrl}/repos/${fullName}`,
    html_url: `${world.url}/${fullName}`,
    clone_url: `${world.url}/${fullName}.git`,
    default_branch: defaultBranch,
    fork: false,
    archived: false,
    disabled: false,
    has_issues: true,
    created_at: createdAt,
    updated_at: createdAt,
    pushed_at: createdAt,
    permissions: { admin: false, maintain: false, push: mayWrite, triage: mayWrite, pull: true },
  };
};

export const refShape = ({ apiUrl }: RestWorld, { fullName }: Repository, ref: string, object: object) => ({
  ref,
  node_id: nodeId('Ref', `${fullName}:${ref}`),
  url: `${apiUrl}/repos/${fullName}/git/${ref}`,
  object,
});

export const objectShape = ({ apiUrl }: RestWorld, { fullName }: Repository, sha: string, type: string) => ({
  sha,
  type,
  url: `${apiUrl}/repos/${fullName}/git/${type}s/${sha}`,
});

export const commitShape = async (world: RestWorld, { directory, fullName }: Repository, sha: string) => {
  const format = ['%H', '%T', '%P', '%an', '%ae', '%aI', '%cn', '%ce', '%cI', '%B'].join('%x00');
  const fields = (await world.git.text(directory, ['show', '--no-patch', `--format=${format}`, sha])).split(
    '\0',
  );
  const [id, tree = '', parents = '', an, ae, ad = '', cn, ce, cd = '', message = ''] = fields;
  const url = `${world.apiUrl}/repos/${fullName}`;
  const html = `${world.url}/${fullName}/commit`;
  return {
    sha: id,
    node_id: nodeId('Commit', sha),
    url: `${url}/commits/${sha}`,
    html_url: `${html}/${sha}`,
    comments_url: `${url}/commits/${sha}/comments`,
    commit: {
      url: `${url}/git/commits/${sha}`,
      message: message.trimEnd(),
      tree: { sha: tree, url: `${url}/git/trees/${tree}` },
      author: { name: an, email: ae, date: utc(ad) },
      committer: { name: cn, email: ce, date: utc(cd) },
      comment_count: 0,
    },
    author: null,
    committer: null,
    parents: parents
      .split(' ')
      .filter((parent) => parent !== '')
      .map((parent) => ({
        sha: parent,
        url: `${url}/commits/${parent}`,
        html_url: `${html}/${parent}`,
      })),
  };
};

export const pullRequestShape = (world: RestWorld, repository: Repository, pull: PullRequest) => {
  const [owner = ''] = repository.fullName.split('/');
  const url = `${world.apiUrl}/repos/${repository.fullName}/pulls/${pull.number}`;
  const side = (ref: string, sha: string) => ({
    label: `${owner}:${ref}`,
    ref,
    sha,
    user: userShape(world, owner),
    repo: repositoryShape(world, repository, true),
  });
  return {
    id: repository.id * 10_000 + pull.number,
    node_id: nodeId('PullRequest', `${repository.id}/${pull.number}`),
    number: pull.number,
    url,
    html_url: pull.htmlUrl,
    diff_url: `${pull.htmlUrl}.diff`,
    patch_url: `${pull.htmlUrl}.patch`,
    state: pull.state,
    locked: false,
    title: pull.title,
    body: pull.body,
    user: userShape(world, forgeLogin),
    draft: pull.draft,
    head: side(pull.head, pull.headSha),
    base: side(pull.base, pull.baseSha),
    author_association: 'COLLABORATOR',
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    closed_at: pull.closedAt,
    merged_at: null,
    _links: { self: { href: url }, html: { href: pull.htmlUrl } },
  };
};

/** What GitHub adds when a single pull request is asked for. */
export const pullRequestDetails = async (git: Git, { directory }: Repository, pull: PullRequest) => {
  const range = `${pull.baseSha}...${pull.headSha}`;
  const stat = await git.text(directory, ['diff', '--shortstat', range]);
  const count = (what: RegExp): number => Number(what.exec(stat)?.[1] ?? 0);
  const commits = await git.text(directory, ['rev-list', '--count', `${pull.baseSha}..${pull.headSha}`]);
  return {
    commits: Number(commits),
    changed_files: count(/(\d+) files? changed/),
    additions: count(/(\d+) insertion/),
    deletions: count(/(\d+) deletion/),
    maintainer_can_modify: pull.maintainerCanModify,
    merged: false,
    mergeable: null,
    mergeable_state: 'unknown',
  };
};

function nodeId(kind: string, key: string): string {
  return Buffer.from(`${kind}:${key}`).toString('base64url');
}

function utc(date: string): string {
  return new Date(date).toISOString().replace('.000Z', 'Z');
}
