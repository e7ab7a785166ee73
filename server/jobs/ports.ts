import type { AgentLimits } from '../agent/limits.ts';
import type { CheckpointLimits } from '../domain/checkpoint.ts';
import type { OpenEgress } from '../domain/egress.ts';
import { AppError } from '../domain/errors.ts';
import type { GitHub } from '../domain/github.ts';
import type { Emit } from '../domain/job-event.ts';
import type { Log } from '../domain/log.ts';
import type { Model } from '../domain/model.ts';
import type { Sandboxes } from '../domain/sandbox.ts';
import type { SandboxImage } from '../domain/sandbox-image.ts';
import type { Trace } from '../domain/trace.ts';
import type { Progress } from './progress.ts';
import type { SetupCache } from './setup/setup-cache.ts';
import type { Step } from './steps.ts';
import type { CheckLimits } from './verify/run-check.ts';

/** The world outside a job, handed in by main.ts. */
export type Ports = {
  github: GitHub;
  sandboxes: Sandboxes;
  openEgress: OpenEgress;
  /** While setup commands run. */
  openSetupEgress: OpenEgress;
  setupCache: SetupCache;
  model: Model;
  trace: Trace;
  log: Log;
  /** Takes the server's secrets out of what leaves it without passing the store. */
  redact: (text: string) => string;
};

/** What the steps of one job share. */
export type Walk = Ports & { emit: Emit; step: Step; progress: Progress };

export type Settings = {
  agent: AgentLimits;
  /** How long a job may take at most. */
  jobMs: number;
  changeset: ChangesetLimits;
  checkpoint: CheckpointLimits;
  checks: Pick<CheckLimits, 'checkMs'> & {
    /** How often the agent may go on when it broke something. */
    roundsMax: number;
  };
  /** Sandboxes that one job may lose. */
  lossesMax: number;
  setup: SetupSettings;
  /** Those that a job may choose. */
  images: readonly SandboxImage[];
  /** After the end of a cancelled job, until what a former holder may have published is looked for again. */
  takeBackAgainMs: number;
  /** Servers that may die at one turn of a job, one after the other. */
  deathsMax: number;
  /** Author and committer of every commit. */
  identity: { name: string; email: string };
};

export type SetupSettings = {
  /** For all commands in one sandbox. */
  ms: number;
  /** Where repositories are: their ids mean nothing elsewhere. */
  forge: string;
};

export type ChangesetLimits = { filesMax: number; bytesMax: number };

/** Whether the job was stopped here and not ended: it waits for its next holder, or has one already. */
export const goesOnElsewhere = (signal: AbortSignal): boolean =>
  signal.aborted &&
  signal.reason instanceof AppError &&
  (signal.reason.code === 'server_stopped' || signal.reason.code === 'lease_lost');
