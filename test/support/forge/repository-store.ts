import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Git } from './git-process.ts';
import type { PullRequest } from './pull-requests.ts';
import { type Files, importCommit, readFolder } from './repository-files.ts';

/** Where a repository's first commit comes from; a folder's `.git` is left out. */
export type RepositorySource = { files: Files } | { directory: string } | { empty: true };
export type RepositoryOptions = {
  private?: boolean;
  defaultBranch?: string;
  /** As a private repository of a plan without drafts. */
  takesNoDrafts?: boolean;
};

export type Repository = {
  readonly id: number;
  readonly directory: string;
  readonly isPrivate: boolean;
  readonly defaultBranch: string;
  readonly takesNoDrafts: boolean;
  readonly createdAt: string;
  readonly pullRequests: PullRequest[];
  fullName: string;
};

/** `moved` says that the name is an old one: GitHub redirects it for as long as nobody takes it again. */
export type Found = { repository: Repository; moved: boolean };

export type RepositoryStore = {
  create(fullName: string, source: RepositorySource, options?: RepositoryOptions): Promise<Repository>;
  rename(from: string, to: string): void;
  find(fullName: string): Found | undefined;
  byId(id: number): Repository | undefined;
  [Symbol.asyncDispose](): Promise<void>;
};

const nameGrammar = /^[A-Za-z0-9-]+\/[A-Za-z0-9._-]+$/;

/** What GitHub's servers allow and refuse, as git's own settings. */
const settings = [
  ['uploadpack.allowAnySHA1InWant', 'true'],
  ['uploadpack.allowFilter', 'true'],
  ['receive.denyNonFastForwards', 'true'],
  ['receive.fsckObjects', 'true'],
  ['gc.auto', '0'],
] as const;

export const createRepositoryStore = async (git: Git): Promise<RepositoryStore> => {
  const root = await mkdtemp(join(tmpdir(), 'forge-'));
  const byId = new Map<number, Repository>();
  const idByName = new Map<string, number>();

  const find: RepositoryStore['find'] = (fullName) => {
    const repository = byId.get(idByName.get(fullName.toLowerCase()) ?? 0);
    if (repository === undefined) return undefined;
    return { repository, moved: repository.fullName.toLowerCase() !== fullName.toLowerCase() };
  };

  const claimName = (fullName: string, id: number): void => {
    if (!nameGrammar.test(fullName)) throw new Error(`${fullName} is no owner/name.`);
    if (find(fullName)?.moved === false) throw new Error(`${fullName} exists already.`);
    idByName.set(fullName.toLowerCase(), id);
  };

  return {
    async create(fullName, source, options = {}) {
      const id = 1_000 + byId.size;
      claimName(fullName, id);
      const repository: Repository = {
        id,
        directory: join(root, `${id}.git`),
        isPrivate: options.private ?? false,
        defaultBranch: options.defaultBranch ?? 'main',
        takesNoDrafts: options.takesNoDrafts ?? false,
        createdAt: new Date().toISOString(),
        pullRequests: [],
        fullName,
      };
      byId.set(id, repository);
      await mkdir(repository.directory);
      await fillRepository(git, repository, source);
      return repository;
    },
    rename(from, to) {
      const found = find(from);
      if (found === undefined || found.moved) throw new Error(`There is no repository ${from}.`);
      claimName(to, found.repository.id);
      found.repository.fullName = to;
    },
    find,
    byId: (id) => byId.get(id),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
};

async function fillRepository(git: Git, repository: Repository, source: RepositorySource): Promise<void> {
  const { directory, defaultBranch } = repository;
  await git.text(directory, ['init', '--quiet', '--bare', `--initial-branch=${defaultBranch}`]);
  for (const [name, value] of settings) await git.text(directory, ['config', name, value]);
  if ('empty' in source) return;
  const files = 'files' in source ? source.files : await readFolder(source.directory);
  await importCommit(git, { directory, branch: defaultBranch, message: 'Start', files });
}
