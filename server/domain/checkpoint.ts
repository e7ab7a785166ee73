import type { WorkspaceFile } from './changeset.ts';

/** What differs from the base commit in a workspace: enough to make it again in another sandbox. */
export type Checkpoint = {
  files: readonly (WorkspaceFile & { content: Uint8Array })[];
  deleted: readonly string[];
};

/** The last checkpoint of each running job. */
export type Checkpoints = {
  save(jobId: string, checkpoint: Checkpoint): Promise<void>;
  /** undefined while the job has changed nothing. */
  load(jobId: string): Promise<Checkpoint | undefined>;
  drop(jobId: string): Promise<void>;
};

export type CheckpointLimits = { filesMax: number; bytesMax: number };
