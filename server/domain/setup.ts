import type { Sandbox } from './sandbox.ts';

export type SandboxUse = 'agent' | 'before' | 'after';

/** Whether the setup commands came to a good end; else why not, one sentence. */
export type SetupOutcome = { ok: true } | { ok: false; reason: string };

/**
 * Brings a sandbox that is at the base commit to where the setup commands lead, by running them or from the cache, and
 * closes its way out again. Without setup commands it does nothing and is fine.
 */
export type SetUp = (sandbox: Sandbox, use: SandboxUse, signal: AbortSignal) => Promise<SetupOutcome>;
