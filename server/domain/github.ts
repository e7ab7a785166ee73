import type { ChangedFile } from './changeset.ts';
import type { Base, RepositoryName, TreeFile } from './repository.ts';
import type { Sandbox } from './sandbox.ts';

export type CommitIdentity = { name: string; email: string /** seconds since 1970 */; timestamp: number };

/**
 * The base as the server holds it: commit and trees without any file content, in a temporary git directory.
 * Object ids were computed from the content that came out of the sandbox, so it cannot differ from GitHub's.
 */
export type BaseRepository = AsyncDisposable & {
  base: Base;
  /** Every file of the base commit by its path. */
  files: ReadonlyMap<string, TreeFile>;
  /** What git calls this content, 40 hexadecimal digits. */
  blobId(content: Uint8Array): Promise<string>;
  /** Writes blobs and trees, and gives back the id of the root tree that a commit of these changes has. */
  tree(changes: readonly ChangedFile[]): Promise<string>;
  /** Writes blobs, trees and the commit whose only parent is the base. The same input gives the same id. */
  commit(changes: readonly ChangedFile[], message: string, identity: CommitIdentity): Promise<string>;
  /** Pushes the commit to a branch that exists at the base or at this commit already. Never forces. */
  push(commit: string, branch: string, signal: AbortSignal): Promise<void>;
};

export type PullRequest = {
  url: string;
  number: number;
  title: string;
  draft: boolean;
  additions: number;
  deletions: number;
};

/** What is no longer there of a job's publication, whether this call has taken it away or it was gone before. */
export type Withdrawn = {
  /** False when somebody else's commit, or a rule of the repository, keeps the branch. */
  branchDeleted: boolean;
  /** The address of its pull request, when there was one and nobody has merged it. */
  closed?: string;
};

/** `phase` is git's own word; `bytes` counts what came from GitHub so far. */
export type CloneProgress = { phase: string; percent?: number; bytes: number };

/** All that a job needs of GitHub. Every method throws AppError: `repository_not_found`, `github_failed`, … */
export type GitHub = {
  /** The same, which asks before every request that changes something: what `check` throws, the write throws. */
  withLease(check: () => Promise<void>): GitHub;
  /** The newest commit of the branch (default branch when undefined); follows renames. */
  resolveBase(repository: RepositoryName, branch: string | undefined, signal: AbortSignal): Promise<Base>;
  /**
   * Native git inside the sandbox gets the pack of the base commit, through the gateway, and checks it out. From then
   * on the sandbox's way out is the gateway: this repository, read only.
   */
  clone(
    sandbox: Pick<Sandbox, 'exec' | 'openWayOut'>,
    base: Base,
    onProgress: (at: CloneProgress) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Opens the way out that `clone` opens, of a sandbox that has its clone already. */
  admit(sandbox: Pick<Sandbox, 'openWayOut'>, base: Base): void;
  /** Scans and indexes the pack that `git pack-objects` made inside the sandbox. Throws `base_refused`. */
  receiveBase(base: Base, pack: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<BaseRepository>;
  /** Creates the branch at the base commit. Fine when it is there already at the base or at `ours`. */
  createBranch(base: Base, branch: string, ours: string, signal: AbortSignal): Promise<void>;
  /**
   * Finds the pull request of this branch, in any state, or creates it; where a draft is asked for and the repository
   * takes none, with a title that begins with `[unverified]`.
   */
  createPullRequest(
    base: Base,
    branch: string,
    text: { title: string; body: string; draft: boolean },
    signal: AbortSignal,
  ): Promise<PullRequest>;
  /**
   * Closes the branch's open pull request, and deletes the branch where it is at the base or at `ours`; may be
   * repeated, as when a request that was under way has landed since.
   */
  withdraw(base: Base, branch: string, ours: string, signal: AbortSignal): Promise<Withdrawn>;
};
