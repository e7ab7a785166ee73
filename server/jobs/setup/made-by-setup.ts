import { restorableDifferences, type WorkspaceFile } from '../../domain/changeset.ts';
import type { BaseRepository } from '../../domain/github.ts';
import type { Sandbox } from '../../domain/sandbox.ts';
import type { SetupFile } from '../../domain/setup.ts';

/** What differs from the base before the agent has done anything: dependencies that .gitignore misses, a lockfile. */
export const madeBySetup = async (
  sandbox: Pick<Sandbox, 'files'>,
  { files }: Pick<BaseRepository, 'files'>,
  signal: AbortSignal,
): Promise<readonly SetupFile[]> => {
  const { changed } = restorableDifferences(files, await sandbox.files(files.keys(), signal));
  return changed.slice(0, filesMax).map(({ path, mode, blobId }) => ({ path, mode, blobId }));
};

/** It is stored with the job. */
const filesMax = 5000;

/** The listing as if no setup had been: what it made and nobody has changed since is as in the base. */
export const withoutSetup = (
  listed: readonly WorkspaceFile[],
  { files }: Pick<BaseRepository, 'files'>,
  made: readonly SetupFile[],
): readonly WorkspaceFile[] => {
  const asMade = new Map(made.map((file) => [file.path, file]));
  return listed.flatMap((file) => {
    const { mode, blobId } = asMade.get(file.path) ?? {};
    if (mode !== file.mode || blobId !== file.blobId) return [file];
    const before = files.get(file.path);
    return before ? [{ ...file, ...before }] : [];
  });
};
