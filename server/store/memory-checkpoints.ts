import type { Checkpoint, Checkpoints } from '../domain/checkpoint.ts';

/** Checkpoints that live as long as the server. */
export const createMemoryCheckpoints = (): Checkpoints => {
  const checkpoints = new Map<string, Checkpoint>();
  return {
    async save(jobId, checkpoint) {
      checkpoints.set(jobId, checkpoint);
    },
    load: async (jobId) => checkpoints.get(jobId),
    async drop(jobId) {
      checkpoints.delete(jobId);
    },
  };
};
