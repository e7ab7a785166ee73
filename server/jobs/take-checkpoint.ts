import { restorableDifferences } from '../domain/changeset.ts';
import type { Checkpoint, CheckpointLimits } from '../domain/checkpoint.ts';
import type { BaseRepository } from '../domain/github.ts';
import type { Sandbox } from '../domain/sandbox.ts';
import type { SetupFile } from '../domain/setup.ts';
import { withoutSetup } from './setup/made-by-setup.ts';

/**
 * What was changed against the base, without files that .gitignore hides; what the last checkpoint holds already is
 * not fetched again. A workspace that has changed too much gives back why there is none.
 */
export const takeCheckpoint = async (
  sandbox: Pick<Sandbox, 'files' | 'contents' | 'blobs'>,
  base: Pick<BaseRepository, 'files'>,
  /** What a setup has made is made again in the next sandbox, before the checkpoint comes in. */
  { last, made }: { last: Checkpoint | undefined; made: readonly SetupFile[] },
  limits: CheckpointLimits,
  signal: AbortSignal,
): Promise<Checkpoint | { tooMuch: string }> => {
  const listed = withoutSetup(await sandbox.files(base.files.keys(), signal), base, made);
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
  const paths = [...changed.map(({ path }) => path), ...deleted];
  return { files, deleted, base: await takeBase(sandbox, base, paths, last, limits.bytesMax, signal) };
};

/** What was there before, for whoever wants to see the difference: fetched once, and left out where it is too much. */
const takeBase = async (
  sandbox: Pick<Sandbox, 'blobs'>,
  base: Pick<BaseRepository, 'files'>,
  paths: readonly string[],
  last: Checkpoint | undefined,
  bytesMax: number,
  signal: AbortSignal,
): Promise<Checkpoint['base']> => {
  const known = new Map(last?.base.map((file) => [file.path, file]));
  const before = paths.flatMap((path) => {
    const file = base.files.get(path);
    return file ? [{ path, ...file }] : [];
  });
  const unknown = before.filter(({ path, mode }) => !known.has(path) && mode !== '160000');
  const ids = [...new Set(unknown.map(({ blobId }) => blobId))];
  const contents = await sandbox.blobs(ids, bytesMax, signal).catch(() => {
    signal.throwIfAborted();
    // The agent may have broken its clone: that spoils the view of the difference, and no more.
    return undefined;
  });
  const fetched = new Map(ids.map((id, index) => [id, contents?.[index]]));
  return before.map((file) => {
    const content = fetched.get(file.blobId);
    return known.get(file.path) ?? { ...file, ...(content && { content }) };
  });
};
