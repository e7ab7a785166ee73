import { restorableDifferences } from '../domain/changeset.ts';
import type { Checkpoint, CheckpointLimits } from '../domain/checkpoint.ts';
import type { BaseRepository } from '../domain/github.ts';
import type { Sandbox } from '../domain/sandbox.ts';

/**
 * What was changed against the base, without files that .gitignore hides; what the last checkpoint holds already is
 * not fetched again. A workspace that has changed too much gives back why there is none.
 */
export const takeCheckpoint = async (
  sandbox: Pick<Sandbox, 'files' | 'contents'>,
  base: Pick<BaseRepository, 'files'>,
  last: Checkpoint | undefined,
  limits: CheckpointLimits,
  signal: AbortSignal,
): Promise<Checkpoint | { tooMuch: string }> => {
  const listed = await sandbox.files(base.files.keys(), signal);
  const { changed, deleted } = restorableDifferences(base.files, listed);
  const count = changed.length + deleted.length;
  if (count > limits.filesMax) return { tooMuch: `${count} files changed, more than ${limits.filesMax}` };
  const bytes = changed.reduce((sum, { size }) => sum + size, 0);
  if (bytes > limits.bytesMax) return { tooMuch: `${bytes} bytes changed, more than ${limits.bytesMax}` };

  const known = new Map(last?.files.map(({ blobId, content }) => [blobId, content]));
  const unknown = changed.filter(({ blobId }) => !known.has(blobId));
  const contents = await sandbox.contents(unknown, signal);
  for (const [index, { blobId }] of unknown.entries()) known.set(blobId, contents[index] ?? new Uint8Array());
  const files = changed.map(({ path, mode, blobId, size }) => {
    return { path, mode, blobId, size, content: known.get(blobId) ?? new Uint8Array() };
  });
  return { files, deleted };
};
