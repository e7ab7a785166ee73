import { type ChangedFile, type Changeset, compareWithBase, type Difference } from '../domain/changeset.ts';
import { AppError } from '../domain/errors.ts';
import type { BaseRepository } from '../domain/github.ts';
import type { Sandbox } from '../domain/sandbox.ts';
import type { SetupFile } from '../domain/setup.ts';
import type { ChangesetLimits } from './ports.ts';
import { withoutSetup } from './setup/made-by-setup.ts';

/**
 * The server decides what changed: it compares the listed blob ids with the base, then fetches what differs. What the
 * agent only made for itself is left out, unless the prompt names it.
 */
export const collectChangeset = async (
  sandbox: Sandbox,
  { base, prompt, made }: { base: BaseRepository; prompt: string; made: readonly SetupFile[] },
  limits: ChangesetLimits,
  signal: AbortSignal,
): Promise<Changeset> => {
  const listed = withoutSetup(await sandbox.files(base.files.keys(), signal), base, made);
  const difference = compareWithBase(base.files, listed, prompt);
  refuseTooMuch(difference, limits);
  const contents = await sandbox.contents(difference.changed, signal);
  const changed = difference.changed.map(({ status, path, mode }, index): ChangedFile => {
    if (mode === '160000')
      throw new AppError('changeset_refused', `${path} is a submodule: it cannot be changed.`);
    return { status, path, mode, content: contents[index] ?? new Uint8Array() };
  });
  const deleted = difference.deleted.map((path): ChangedFile => ({ status: 'deleted', path }));
  const files = [...changed, ...deleted].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files, leftOut: difference.leftOut };
};

const refuseTooMuch = ({ changed, deleted }: Difference, limits: ChangesetLimits) => {
  const files = changed.length + deleted.length;
  if (files > limits.filesMax) {
    throw new AppError(
      'changeset_refused',
      `${files} files changed, more than the ${limits.filesMax} allowed.`,
      {
        whatToDo:
          'Ask for less in one job, add what is generated to .gitignore, or raise CHANGESET_FILES_MAX.',
      },
    );
  }
  const bytes = changed.reduce((sum, { size }) => sum + size, 0);
  if (bytes > limits.bytesMax) {
    throw new AppError(
      'changeset_refused',
      `The changed files have ${bytes} bytes, more than the ${limits.bytesMax} allowed.`,
      {
        whatToDo: 'Add what is generated to .gitignore, or raise CHANGESET_MB_MAX.',
      },
    );
  }
};
