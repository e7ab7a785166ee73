import { type ChangedFile, restorableDifferences } from '../../domain/changeset.ts';
import { AppError } from '../../domain/errors.ts';
import type { BaseRepository } from '../../domain/github.ts';
import type { HeldJob } from '../../domain/job.ts';
import type { Sandbox } from '../../domain/sandbox.ts';
import type { SandboxUse, SetUp } from '../../domain/setup.ts';
import { dispose } from '../acquire-sandbox.ts';
import type { Walk } from '../ports.ts';

/** What a sandbox for checks is made of. */
export type CheckGround = {
  held: HeldJob;
  baseRepository: BaseRepository;
  /** A name in SANDBOX_IMAGES; undefined for the default image. */
  image: string | undefined;
  setUp: SetUp;
};

/** Disposed by whoever opens it. `setupFailure`: why the dependencies may be missing. */
export type CheckSandbox = AsyncDisposable & { sandbox: Sandbox; setupFailure: string | undefined };

/**
 * A fresh sandbox in which the agent has never been, with the base commit, what the setup commands make of it, and then
 * exactly these changes. Nothing can leave it any more: what a check finds must not depend on a network.
 */
export const openCheckSandbox = async (
  { held, baseRepository, image, setUp }: CheckGround,
  changes: readonly ChangedFile[],
  use: Exclude<SandboxUse, 'agent'>,
  { sandboxes, github, log }: Pick<Walk, 'sandboxes' | 'github' | 'log'>,
  signal: AbortSignal,
): Promise<CheckSandbox> => {
  const sandbox = await sandboxes.acquire(held.job.id, signal, image);
  try {
    await held.ownSandbox(sandbox.id);
    await github.clone(sandbox, baseRepository.base, () => {}, signal);
    const outcome = await setUp(sandbox, use, signal);
    await applyChanges(sandbox, baseRepository, changes, signal);
    return {
      sandbox,
      setupFailure: outcome.ok ? undefined : outcome.reason,
      // What was found in it counts, whatever becomes of it; the reaper looks after what is left.
      [Symbol.asyncDispose]: () =>
        dispose(sandbox).catch((err) => {
          log.warn({ jobId: held.job.id, err }, 'a sandbox for checks could not be removed');
        }),
    };
  } catch (error) {
    await dispose(sandbox).catch(() => {});
    throw error;
  }
};

const applyChanges = async (
  sandbox: Sandbox,
  base: BaseRepository,
  changes: readonly ChangedFile[],
  signal: AbortSignal,
): Promise<void> => {
  if (changes.length === 0) return;
  const kept = changes.filter((change) => change.status !== 'deleted');
  const files = await Promise.all(
    kept.map(async ({ path, mode, content }) => {
      return { path, mode, content, blobId: await base.blobId(content), size: content.length };
    }),
  );
  const deleted = changes.flatMap(({ status, path }) => (status === 'deleted' ? [path] : []));
  await sandbox.restore({ files, deleted, base: [] }, signal);

  // What is checked must be what is pushed. Besides it there may be what the setup has made.
  const paths = new Set([...base.files.keys(), ...files.map(({ path }) => path)]);
  const there = restorableDifferences(base.files, await sandbox.files(paths, signal));
  const blobs = new Map(there.changed.map(({ path, mode, blobId }) => [path, `${mode} ${blobId}`]));
  const missing = [
    ...files.filter(({ path, mode, blobId }) => blobs.get(path) !== `${mode} ${blobId}`),
    ...deleted.filter((path) => !there.deleted.includes(path)).map((path) => ({ path })),
  ];
  if (missing[0] !== undefined) {
    throw new AppError(
      'sandbox_unavailable',
      `The sandbox for checks does not hold ${missing[0].path} as it was changed.`,
    );
  }
};
