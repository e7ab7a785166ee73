import { restorableDifferences, type WorkspaceFile } from '../../domain/changeset.ts';
import { AppError } from '../../domain/errors.ts';
import type { BaseRepository } from '../../domain/github.ts';
import type { Sandbox } from '../../domain/sandbox.ts';
import type { SetupFile } from '../../domain/setup.ts';

type Base = Pick<BaseRepository, 'files'>;

/**
 * What differs from the base before the agent has done anything: dependencies that .gitignore misses, a lockfile, a file
 * that is gone. All of it, or a sentence that says why it is too much: what is not known would count as the agent's.
 */
export const madeBySetup = async (
  sandbox: Pick<Sandbox, 'files'>,
  { files }: Base,
  signal: AbortSignal,
): Promise<readonly SetupFile[] | { tooMuch: string }> => {
  const listed = await sandbox.files(files.keys(), signal).catch((thrown: unknown) => {
    if (thrown instanceof AppError && thrown.code === 'changeset_refused') return thrown;
    throw thrown;
  });
  if (listed instanceof AppError) return { tooMuch: `After the setup: ${listed.message}` };
  const { changed, deleted } = restorableDifferences(files, listed);
  const count = changed.length + deleted.length;
  if (count > filesMax) {
    return {
      tooMuch: `The setup has changed ${count} files that .gitignore does not hide, more than ${filesMax}.`,
    };
  }
  return [
    ...changed.map(({ path, mode, blobId }) => ({ path, mode, blobId })),
    ...deleted.map((path) => ({ path, deleted: true as const })),
  ];
};

/** It is stored with the job. */
const filesMax = 5000;

/** Whether a setup has modified or deleted what the base has. */
export const touchesBase = (made: readonly SetupFile[], { files }: Base): boolean =>
  made.some(({ path }) => files.has(path));

/** The listing as if no setup had been: what it made or deleted, and nobody has changed since, is as in the base. */
export const withoutSetup = (
  listed: readonly WorkspaceFile[],
  { files }: Base,
  made: readonly SetupFile[],
): readonly WorkspaceFile[] => {
  const present = new Set(listed.map(({ path }) => path));
  const asMade = new Map(made.map((file) => [file.path, file]));
  const there = listed.flatMap((file) => {
    const before = asMade.get(file.path);
    if (before === undefined || 'deleted' in before) return [file];
    if (before.mode !== file.mode || before.blobId !== file.blobId) return [file];
    return asInBase(file, files);
  });
  const gone = made.flatMap((file) =>
    'deleted' in file && !present.has(file.path) ? asInBase({ path: file.path, size: 0 }, files) : [],
  );
  return [...there, ...gone];
};

const asInBase = (file: Pick<WorkspaceFile, 'path' | 'size'>, files: Base['files']): WorkspaceFile[] => {
  const before = files.get(file.path);
  return before ? [{ ...file, ...before }] : [];
};
