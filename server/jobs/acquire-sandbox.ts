import type { HeldJob } from '../domain/job.ts';
import type { Sandbox } from '../domain/sandbox.ts';
import type { Walk } from './ports.ts';

export const acquireSandbox = async (
  held: HeldJob,
  image: string,
  way: Walk,
  signal: AbortSignal,
): Promise<Sandbox> => {
  const { sandboxes, emit } = way;
  await emit({ type: 'Sandbox: Starting', image });
  const sandbox = await sandboxes.acquire(held.job.id, signal, image);
  try {
    await held.ownSandbox(sandbox.id);
    const { id, runtime, kernel, gvisor, warm, readyMs: ms } = sandbox;
    await emit({ type: 'Sandbox: Ready', runtime, kernel, gvisor, warm, sandbox: id.slice(0, 12), ms });
    return sandbox;
  } catch (error) {
    await dispose(sandbox).catch(() => {});
    throw error;
  }
};

/** What is disposed may be a promise of any kind: the type says only that it can be awaited. */
export const dispose = async (sandbox: Sandbox | undefined): Promise<void> => {
  await sandbox?.[Symbol.asyncDispose]();
};
