import type { FileMode } from './repository.ts';
import type { Sandbox } from './sandbox.ts';

export type SandboxUse = 'agent' | 'before' | 'after';

/** A file that .gitignore does not hide, as a setup left it, or one of the base that it has deleted. */
export type SetupFile = { path: string; mode: FileMode; blobId: string } | { path: string; deleted: true };

/** Whether the setup commands came to a good end; else why not, one sentence. */
export type SetupOutcome = ({ ok: true } | { ok: false; reason: string }) & {
  /** What they have added, modified or deleted in the agent's sandbox: as long as it stays so, it is no part of the change. */
  made?: readonly SetupFile[];
};

/**
 * Brings a sandbox that is at the base commit to where the setup commands lead, by running them or from the cache, and
 * closes its way out again: of a sandbox for checks for good, also when there are no setup commands.
 */
export type SetUp = (sandbox: Sandbox, use: SandboxUse, signal: AbortSignal) => Promise<SetupOutcome>;
