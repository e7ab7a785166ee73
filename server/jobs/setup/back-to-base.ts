import { AppError } from '../../domain/errors.ts';
import type { BaseRepository } from '../../domain/github.ts';
import type { Sandbox } from '../../domain/sandbox.ts';
import { madeBySetup } from './made-by-setup.ts';

/** Removes what a setup has left in a sandbox in which nobody else was, and looks whether that was all. */
export const backToBase = async (
  sandbox: Pick<Sandbox, 'exec' | 'files'>,
  baseRepository: Pick<BaseRepository, 'base' | 'files'>,
  signal: AbortSignal,
): Promise<void> => {
  // Some package managers make directories that nobody may write to. What git knew of the files goes as well.
  const command = `chmod -R u+rwX . "$HOME" && find "$HOME" -mindepth 1 -delete && rm -f .git/index &&
    git reset --quiet --hard ${baseRepository.base.commit} && git clean --quiet -ffdx && echo clean`;
  const limits = { env: {}, timeoutMs: 60_000, outputBytesMax: 2000, leavesNothing: true } as const;
  const { output, exitCode } = await sandbox.exec({ command, ...limits }, signal);
  if (exitCode !== 0 || !output.endsWith('clean\n')) throw notRemoved(output.slice(-500));
  const left = await madeBySetup(sandbox, baseRepository, signal);
  if ('tooMuch' in left) throw notRemoved(left.tooMuch);
  if (left[0] !== undefined) throw notRemoved(`${left[0].path} is not as in the base.`);
};

const notRemoved = (why: string): AppError =>
  new AppError('sandbox_lost', `What a setup had left could not be removed: ${why}`);
