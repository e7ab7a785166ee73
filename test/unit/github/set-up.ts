import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { GitHub } from '../../../server/domain/github.ts';
import type { Base } from '../../../server/domain/repository.ts';
import { createGitHub } from '../../../server/github/github.ts';
import type { GitHubLimits, GitHubOptions } from '../../../server/github/options.ts';
import { type Forge, type ForgeRepository, startForge } from '../../support/forge/forge.ts';
import type { RepositoryOptions } from '../../support/forge/repository-store.ts';
import { basePack, limits } from '../../support/github.ts';

export const identity = { name: 'Backspace', email: 'bot@example.com', timestamp: 1_790_000_000 };
export const shop = { owner: 'acme', name: 'shop' };
export const never = new AbortController().signal;

/** A forge with one repository, `acme/shop`, and a GitHub port that knows it. */
export type Scene = AsyncDisposable & {
  forge: Forge;
  repository: ForgeRepository;
  github: GitHub;
  options: GitHubOptions;
  directory: string;
  /** What the sandbox would send for this base. */
  pack(base: Base): Promise<Buffer>;
};

type Files = Parameters<Forge['createRepository']>[1];

export const setUp = async (
  source: Files = { files: { 'README.md': 'Shop\n', 'src/app.ts': 'export const price = 1;\n' } },
  changed: { limits?: Partial<GitHubLimits>; options?: Partial<GitHubOptions> } & RepositoryOptions = {},
): Promise<Scene> => {
  const directory = await mkdtemp(join(tmpdir(), 'github-test-'));
  const forge = await startForge();
  const repository = await forge.createRepository('acme/shop', source, changed);
  const options: GitHubOptions = {
    url: forge.url,
    apiUrl: forge.apiUrl,
    wayOutUrl: 'http://127.0.0.1:3128',
    token: forge.token,
    userAgent: 'tiny-backspace-test',
    temporaryDirectory: directory,
    limits: { ...limits, ...changed.limits },
    ...changed.options,
  };
  return {
    forge,
    repository,
    options,
    directory,
    github: createGitHub(options),
    pack: ({ commit }) => basePack(repository.directory, commit),
    async [Symbol.asyncDispose]() {
      await forge[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
};

/** A base, and a branch with one commit that adds two lines. */
export const setUpBranch = async (scene: Scene, branch: string): Promise<{ base: Base; commit: string }> => {
  const base = await scene.github.resolveBase(shop, undefined, never);
  const commit = await scene.repository.commit({ 'new.txt': 'one\ntwo\n' }, 'Change', branch);
  return { base, commit };
};

export const git = async (directory: string, ...args: string[]): Promise<string> =>
  (await run('git', args, { cwd: directory, maxBuffer })).stdout.trimEnd();

const run = promisify(execFile);
const maxBuffer = 64 << 20;
