import { AppError } from '../../domain/errors.ts';
import type { Sandbox } from '../../domain/sandbox.ts';
import type { Ports } from '../ports.ts';
import type { Told } from './run-setup.ts';
import { SetupTooLarge } from './setup-cache.ts';

type Shelf = Pick<Ports, 'setupCache' | 'log'>;

/** Puts what an earlier job has set up into the sandbox; false when there is nothing, and the commands must run. */
export const takeResult = async (
  sandbox: Sandbox,
  commands: readonly string[],
  key: string,
  { use, emit }: Told,
  { setupCache, log }: Shelf,
  signal: AbortSignal,
): Promise<boolean> => {
  const started = performance.now();
  try {
    await using entry = await setupCache.read(key);
    if (entry === undefined) return false;
    await sandbox.giveSetup(entry.bytes, signal);
  } catch (err) {
    signal.throwIfAborted();
    sandbox.lost.throwIfAborted();
    log.warn({ err, key }, 'a result in the setup cache could not be used: the setup runs again');
    await setupCache.forget(key).catch(() => {});
    await cleanWorkspace(sandbox, signal);
    return false;
  }
  const durationMs = Math.round(performance.now() - started);
  for (const command of commands) {
    await emit({ type: 'Setup: Started', command, sandbox: use });
    const told = { exitCode: 0, durationMs, output: '', cached: true };
    await emit({ type: 'Setup: Finished', command, sandbox: use, ...told });
  }
  return true;
};

/** Nothing that goes wrong here is a reason to give a job up: the next one runs the commands again. */
export const keepResult = async (
  sandbox: Sandbox,
  key: string,
  since: string,
  { setupCache, log }: Shelf,
  signal: AbortSignal,
): Promise<void> => {
  try {
    if (await hasDeleted(sandbox, signal)) return;
    await setupCache.write(key, sandbox.takeSetup(since, signal));
  } catch (err) {
    signal.throwIfAborted();
    sandbox.lost.throwIfAborted();
    if (err instanceof SetupTooLarge) log.info({ key, why: err.message }, 'a setup is not kept');
    else log.warn({ err, key }, 'a setup could not be kept');
  }
};

/** A tar stream tells what is there; that something of the base is not it cannot tell. */
const hasDeleted = async (sandbox: Sandbox, signal: AbortSignal): Promise<boolean> => {
  const command = 'git ls-files --deleted | head --lines=1';
  const { output, exitCode } = await sandbox.exec({ command, ...small }, signal);
  return exitCode !== 0 || output !== '';
};

/** Back to the base, of a sandbox in which nobody but the setup was. */
const cleanWorkspace = async (sandbox: Sandbox, signal: AbortSignal): Promise<void> => {
  // Some package managers make directories that nobody may write to.
  const command = `chmod -R u+rwX . "$HOME" && git reset --quiet --hard && git clean --quiet -ffdx &&
    find "$HOME" -mindepth 1 -delete && echo clean`;
  const { output, exitCode } = await sandbox.exec({ command, ...small, timeoutMs: 60_000 }, signal);
  if (exitCode === 0 && output.endsWith('clean\n')) return;
  throw new AppError('sandbox_lost', `What a setup had left could not be removed: ${output.slice(-500)}`);
};

const small = { env: {}, timeoutMs: 30_000, outputBytesMax: 2000 };
