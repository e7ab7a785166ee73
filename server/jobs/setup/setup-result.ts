import type { BaseRepository } from '../../domain/github.ts';
import type { Sandbox } from '../../domain/sandbox.ts';
import type { SetupFile } from '../../domain/setup.ts';
import type { Ports } from '../ports.ts';
import { backToBase } from './back-to-base.ts';
import { madeBySetup, touchesBase } from './made-by-setup.ts';
import type { Told } from './run-setup.ts';
import { SetupTooLarge } from './setup-cache.ts';

type Shelf = Pick<Ports, 'setupCache' | 'log'>;

type Input = {
  commands: readonly string[];
  baseRepository: Pick<BaseRepository, 'base' | 'files'>;
};

/**
 * Puts what an earlier job has set up into the sandbox, and tells what that is; undefined when there is nothing that can be
 * used, and the commands must run.
 */
export const takeResult = async (
  sandbox: Sandbox,
  { commands, baseRepository }: Input,
  key: string,
  { use, emit }: Told,
  { setupCache, log }: Shelf,
  signal: AbortSignal,
): Promise<readonly SetupFile[] | undefined> => {
  const started = performance.now();
  let made: readonly SetupFile[];
  try {
    await using entry = await setupCache.read(key);
    if (entry === undefined) return undefined;
    await sandbox.giveSetup(entry.bytes, signal);
    made = await givenIn(sandbox, baseRepository, signal);
  } catch (err) {
    signal.throwIfAborted();
    sandbox.lost.throwIfAborted();
    log.warn({ err, key }, 'a result in the setup cache could not be used: the setup runs again');
    await setupCache.forget(key).catch(() => {});
    await backToBase(sandbox, baseRepository, signal);
    return undefined;
  }
  const durationMs = Math.round(performance.now() - started);
  for (const command of commands) {
    await emit({ type: 'Setup: Started', command, sandbox: use });
    const told = { exitCode: 0, durationMs, output: '', cached: true };
    await emit({ type: 'Setup: Finished', command, sandbox: use, ...told });
  }
  return made;
};

/** It was made at another commit: what stands there in the place of a file of this one must not be taken for it. */
const givenIn = async (
  sandbox: Sandbox,
  base: Pick<BaseRepository, 'files'>,
  signal: AbortSignal,
): Promise<readonly SetupFile[]> => {
  const made = await madeBySetup(sandbox, base, signal);
  if ('tooMuch' in made) throw new Error(made.tooMuch);
  if (touchesBase(made, base)) throw new Error('Files of the base are not there as the base has them.');
  return made;
};

/** Nothing that goes wrong here is a reason to give a job up: the next one runs the commands again. */
export const keepResult = async (
  sandbox: Sandbox,
  key: string,
  { since, tracked }: { since: string; tracked: Iterable<string> },
  { setupCache, log }: Shelf,
  signal: AbortSignal,
): Promise<void> => {
  try {
    await setupCache.write(key, sandbox.takeSetup(since, tracked, signal));
  } catch (err) {
    signal.throwIfAborted();
    sandbox.lost.throwIfAborted();
    if (err instanceof SetupTooLarge) log.info({ key, why: err.message }, 'a setup is not kept');
    else log.warn({ err, key }, 'a setup could not be kept');
  }
};
