import type { Checkpoint, Checkpoints } from './checkpoint.ts';
import type { JobEvent, JobFact } from './job-event.ts';
import type { RepositoryName } from './repository.ts';
import type { Transcripts } from './transcript.ts';

export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/** What a client asks for, after the checks at the edge. */
export type JobRequest = {
  repository: RepositoryName;
  /** 1 to 20,000 characters. */
  prompt: string;
  /** Without it the default branch is the base. */
  baseBranch?: string;
  /** Commands that show whether the repository is well; without them .backspace.yml or the manifests say. */
  checks?: readonly string[];
  /** Commands that install what the checks need. */
  setup?: readonly string[];
  /** A name in SANDBOX_IMAGES. */
  image?: string;
  /** Each at most the server's own. */
  limits?: JobLimits;
  /** What becomes of the work when a limit ends it; without it a draft if the checks pass, else a patch. */
  onLimit?: 'draft' | 'patch';
};

export type JobLimits = {
  turns?: number;
  tokens?: number;
  costUsd?: number;
  minutes?: number;
  /** Of a single command. */
  commandSeconds?: number;
  /** Of a single command's output. */
  outputKb?: number;
};

export type Job = {
  id: string;
  state: JobState;
  request: JobRequest;
  /** The API key that asked for it; null where the server has none. */
  keyId: string | null;
  /** ISO 8601, UTC, like the others. */
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
};

/** What a client repeats to say that it asks for the same job, not for another one. */
export type Idempotency = { key: string /** of the body */; requestHash: string };

const transitions = {
  queued: ['running', 'failed', 'cancelled'],
  running: ['succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
} as const satisfies Record<JobState, readonly JobState[]>;

export const canBecome = (from: JobState, to: JobState): boolean =>
  (transitions[from] as readonly JobState[]).includes(to);

/** The state that a terminal event puts its job into; undefined for every other event. */
export const endState = (fact: JobFact): 'succeeded' | 'failed' | 'cancelled' | undefined => {
  if (fact.type === 'Error') return 'failed';
  if (fact.type === 'Result') return fact.status === 'cancelled' ? 'cancelled' : 'succeeded';
  return undefined;
};

/** Whether nothing can happen to the job any more. */
export const hasEnded = ({ state }: Pick<Job, 'state'>): boolean => transitions[state].length === 0;

/** Which jobs are asked for: those of one key, in one state, accepted before another one; `limit` at most. */
type JobFilter = { keyId?: string | null; state?: JobState; before?: string; limit: number };

/**
 * Where jobs and their events live: in a database that outlives every server. Events are append-only and numbered per
 * job from 1. Every method throws `store_unavailable` while the database cannot be reached.
 */
export type JobStore = {
  /**
   * Stores the job, state `queued`, together with its first event, and queues it, all or nothing. Gives back the job
   * that the idempotency key stands for: this one, or the one of an earlier request. Throws `queue_full`, and
   * `idempotency_key_reused` when the earlier request was another one.
   */
  create(job: Job, first: JobFact, idempotency?: Idempotency): Promise<Job>;
  /** undefined when there is no such job. */
  find(jobId: string): Promise<Job | undefined>;
  /** The newest first. */
  list(filter: JobFilter): Promise<Job[]>;
  /** At most `limit` events with an id above `after`, in order; an empty list when there are none yet. */
  eventsAfter(jobId: string, after: number, limit: number): Promise<JobEvent[]>;
  /** undefined when there is no such job. */
  lastEvent(jobId: string): Promise<JobEvent | undefined>;
  /**
   * The next events with an id above `after`, in order, one at least and no more than a reader can be given at once: waits
   * until there is one. Rejects when the signal aborts.
   */
  waitForEvents(jobId: string, after: number, signal: AbortSignal): Promise<JobEvent[]>;
  /** The work so far; undefined while the job has changed nothing. */
  checkpoint(jobId: string): Promise<Checkpoint | undefined>;
  /**
   * A queued job ends with this fact; whoever holds a running one is told. False when it had ended already.
   */
  cancel(jobId: string, end: JobFact): Promise<boolean>;
};

/** For whoever runs jobs. */
export type JobClaims = {
  /**
   * Waits for the oldest job that nobody holds and takes it; rejects when the signal aborts. A job that was held before
   * comes back when its holder is gone or has released it.
   */
  claim(signal: AbortSignal): Promise<HeldJob>;
};

/**
 * A running job in the hands of one worker, which alone may write to it. Every write waits while the database is away,
 * and throws `lease_lost` once somebody else has the job.
 */
export type HeldJob = Transcripts &
  AsyncDisposable & {
    job: Job;
    /** Aborts with `cancelled` when somebody cancels the job, and with `lease_lost` when somebody else has it. */
    signal: AbortSignal;
    /** How often the job was claimed before. */
    earlierClaims: number;
    /** Whether the last holder gave it back, in order. */
    wasHandedOver: boolean;
    /** Servers that died one after the other with the job at this place of its transcript. */
    deaths: number;
    /** What was told already, apart from what commands printed. */
    told: readonly JobEvent[];
    /** Appends; a terminal event also ends the job, and nothing can be appended after it. */
    append(fact: JobFact): Promise<void>;
    /** What this came to when it was done before, else does it and stores the result. It must be JSON. */
    once<T>(name: string, action: () => Promise<T>): Promise<T>;
    /** What `once` has stored by this name, by whichever holder. */
    known<T>(name: string): T | undefined;
    /** Throws when the job is not ours any more, or is cancelled: to be asked before anything is written elsewhere. */
    check(): Promise<void>;
    /** Throws only when the job is not ours any more: for what a cancel itself has to write. */
    checkLease(): Promise<void>;
    checkpoints: Checkpoints;
    /** The id of the container with the job's workspace, as an earlier holder left it. */
    sandbox: string | undefined;
    /** Tells that the container is the job's, from its start on, so that nobody throws it away. */
    ownSandbox(containerId: string): Promise<void>;
    /** Tells that the workspace is in this container now. */
    keepSandbox(containerId: string): Promise<void>;
    /** Gives the job back: the next claim of it counts no death. */
    release(): Promise<void>;
  };
