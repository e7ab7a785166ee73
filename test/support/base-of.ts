import { createHash } from 'node:crypto';
import type { Exploration } from '../../server/domain/exploration.ts';
import type { JobRequest } from '../../server/domain/job.ts';
import type { FileMode, TreeFile } from '../../server/domain/repository.ts';
import type { Sandbox } from '../../server/domain/sandbox.ts';
import { explore } from '../../server/jobs/explore.ts';

type Content = string | { mode: FileMode; content: string };

/** A base commit with these files, and a sandbox that has its blobs. */
export const baseOf = (contents: Readonly<Record<string, Content>>) => {
  const files = new Map<string, TreeFile>();
  const blobs = new Map<string, Buffer>();
  for (const [path, given] of Object.entries(contents)) {
    const { mode, content } = typeof given === 'string' ? { mode: '100644' as const, content: given } : given;
    const blobId = createHash('sha1').update(content).digest('hex');
    files.set(path, { mode, blobId });
    blobs.set(blobId, Buffer.from(content));
  }
  /** How many blobs each question was about. */
  const asked: number[] = [];
  const sandbox: Pick<Sandbox, 'blobs'> = {
    blobs: async (ids, bytesMax) => {
      asked.push(ids.length);
      const found = ids.map((id) => blobs.get(id) ?? Buffer.alloc(0));
      return found.reduce((sum, { length }) => sum + length, 0) > bytesMax ? undefined : found;
    },
  };
  return { files, sandbox, asked };
};

/** What exploring a base with these files finds. */
export const exploredOf = (
  contents: Readonly<Record<string, Content>>,
  request: Pick<JobRequest, 'checks' | 'setup' | 'image'> = {},
): Promise<Exploration> => {
  const { files, sandbox } = baseOf(contents);
  return explore(sandbox, files, request, new AbortController().signal);
};
