import type { Checkpoint } from '../domain/checkpoint.ts';
import type { AppError } from '../domain/errors.ts';

/** What the model is told when the sandbox that it knows is another one now, or in other hands. */

export const keptNews =
  'Another server goes on with this job, in the same sandbox. All files are as they were; the shell began anew, in the ' +
  'workspace and without the variables that you had exported.';

export const restoredNews = (checkpoint: Checkpoint | undefined): string => {
  const { files = [], deleted = [], incomplete } = checkpoint ?? {};
  const skipped = incomplete === undefined ? '' : ` It is not the newest: ${incomplete}.`;
  return (
    `Another server goes on with this job, in a new sandbox with the base commit and the last checkpoint ` +
    `(${files.length} changed files, ${deleted.length} deletions).${skipped} ${lostThen}`
  );
};

export const lossNews = (loss: AppError, checkpoint: Checkpoint | undefined, notSaved: string): string => {
  const { files = [], deleted = [] } = checkpoint ?? {};
  const skipped = notSaved === '' ? '' : ` The last checkpoint could not be taken: ${notSaved}.`;
  return (
    `The sandbox was lost: ${loss.message} A command that takes too much memory is the usual reason. A new sandbox ` +
    `took its place, with the base commit and the last checkpoint (${files.length} changed files, ` +
    `${deleted.length} deletions).${skipped} ${lostThen}`
  );
};

const lostThen =
  'Lost are changes since then, files that .gitignore hides, files outside the workspace, background processes and the ' +
  'state of the shell. Look at what is there before you go on.';
