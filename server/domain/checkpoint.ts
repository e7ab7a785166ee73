import type { WorkspaceFile } from './changeset.ts';
import type { TreeFile } from './repository.ts';

/** What differs from the base commit in a workspace: enough to make it again in another sandbox. */
export type Checkpoint = {
  files: readonly (WorkspaceFile & { content: Uint8Array })[];
  deleted: readonly string[];
  /**
   * What these files were in the base commit, where they were there. A content is left out when it was too large to keep.
   */
  base: readonly (TreeFile & { path: string; content?: Uint8Array })[];
  /** Why changes since then are not in it; left out when it has all that can be restored. */
  incomplete?: string;
};

/** The last checkpoint of one job. */
export type Checkpoints = {
  save(checkpoint: Checkpoint): Promise<void>;
  /** undefined while the job has changed nothing. */
  load(): Promise<Checkpoint | undefined>;
};

export type CheckpointLimits = { filesMax: number; bytesMax: number };
