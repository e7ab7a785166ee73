import type { JobEvent, JobFact } from './job-event.ts';
import type { RepositoryName } from './repository.ts';

export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/** What a client asks for, after the checks at the edge. */
export type JobRequest = {
  repository: RepositoryName;
  /** 1 to 20,000 characters. */
  prompt: string;
  /** Without it the default branch is the base. */
  baseBranch?: string;
};

export type Job = {
  id: string;
  state: JobState;
  request: JobRequest;
  /** ISO 8601, UTC. */
  createdAt: string;
};

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

/** Where jobs and their events live. Events are append-only and numbered per job from 1. */
export type JobStore = {
  /** Stores the job, state `queued`, together with its first event, and queues it. Throws `queue_full`. */
  create(job: Job, first: JobFact): Promise<void>;
  /** undefined when there is no such job. */
  find(jobId: string): Promise<Job | undefined>;
  /** Appends; a terminal event also ends the job, and nothing can be appended after it. */
  append(jobId: string, fact: JobFact): Promise<JobEvent>;
  /** At most `limit` events with an id above `after`, in order; an empty list when there are none yet. */
  eventsAfter(jobId: string, after: number, limit: number): Promise<JobEvent[]>;
  /** Resolves once an event with an id above `after` exists; rejects when the signal aborts. */
  waitForEvents(jobId: string, after: number, signal: AbortSignal): Promise<void>;
  /** The ids of the jobs that wait, the oldest first. */
  queued(): Promise<string[]>;
  /** Waits for the oldest queued job and makes it `running`; rejects when the signal aborts. */
  claim(signal: AbortSignal): Promise<Job>;
};
