import type { DenialReport } from '../domain/egress.ts';
import type { AppError } from '../domain/errors.ts';
import type { HeldJob, Job } from '../domain/job.ts';
import {
  type EgressDenied,
  type JobFact,
  noUsage,
  plusCall,
  plusTurn,
  type Saved,
  type Usage,
} from '../domain/job-event.ts';
import type { Span } from '../domain/trace.ts';
import type { TranscriptEntry } from '../domain/transcript.ts';

/** What a job has used and saved so far: every terminal event tells it, however the job ends. */
export type Progress = {
  usage: Usage;
  saved: Saved;
  /** What the egress has refused; nothing until it is open. */
  denials(): DenialReport;
  /** Known once the tracing service has told it, which may be after the job has begun. */
  readonly traceUrl: string | undefined;
  /** What the agent calls after every turn, with the sum of all turns. */
  onUsage(usage: Usage): void;
  /** The part that all terminal events share. */
  end(): Pick<Result, 'usage' | 'saved' | 'egressDenied' | 'durationMs' | 'traceUrl'>;
};

export type Result = Extract<JobFact, { type: 'Result' }>;
export type Failure = Extract<JobFact, { type: 'Error' }>;

/** Of a job that nobody has begun, without `held`. What earlier holders have done counts. */
export const startProgress = (
  held?: Pick<HeldJob, 'told' | 'earlier'> & { job: Pick<Job, 'startedAt'> },
  span?: Pick<Span, 'url'>,
): Progress => {
  const startedAt = Date.parse(held?.job.startedAt ?? '') || Date.now();
  const before = deniedBefore(held?.told ?? []);
  const progress: Progress = {
    usage: usageOf(held?.earlier ?? []),
    saved: savedBefore(held?.told ?? []),
    denials: () => before,
    get traceUrl() {
      return span?.url;
    },
    onUsage: (usage) => {
      progress.usage = usage;
    },
    end: () => ({
      usage: progress.usage,
      saved: progress.saved,
      egressDenied: egressDenied(progress.denials()),
      durationMs: Math.max(0, Date.now() - startedAt),
      ...(progress.traceUrl ? { traceUrl: progress.traceUrl } : {}),
    }),
  };
  return progress;
};

const usageOf = (entries: readonly TranscriptEntry[]): Usage =>
  entries.reduce((sum, entry) => {
    if (entry.kind === 'reply') return plusTurn(sum, entry.reply.usage);
    return entry.kind === 'compaction' ? plusCall(sum, entry.usage) : sum;
  }, noUsage);

const savedBefore = (told: readonly JobFact[]): Saved => {
  const saved: Saved = {};
  for (const fact of told) {
    if (fact.type === 'Git: Branch') saved.branch = fact.branch;
    if (fact.type === 'Git: Push') saved.commit = fact.sha;
    if (fact.type === 'PR: Created') saved.prUrl = fact.url;
  }
  return saved;
};

/** Each kind once, as it was told: how often it came is known to the server alone that refused it. */
const deniedBefore = (told: readonly JobFact[]): DenialReport => {
  const distinct = told.flatMap((fact) => {
    if (fact.type !== 'Egress: Denied') return [];
    const { host, port, reason, howToAllow } = fact;
    return [{ host, port, reason, howToAllow, count: 1 }];
  });
  return { total: distinct.length, distinct };
};

const egressDenied = ({ total, distinct }: DenialReport): EgressDenied => {
  const hostsMax = 20;
  const hosts = distinct
    .slice(0, hostsMax)
    .map(({ host, port, reason, count }) => ({ host, port, reason, count }));
  return { total, hosts };
};

/** A cancelled job ends with a Result, since it did what it was told; every other failure ends with an Error. */
export const endWithError = (error: AppError, progress: Progress): Result | Failure =>
  error.code === 'cancelled'
    ? {
        type: 'Result',
        status: 'cancelled',
        prUrl: progress.saved.prUrl ?? null,
        summary: error.message,
        filesChanged: 0,
        additions: null,
        deletions: null,
        leftOut: [],
        checks: [],
        ...progress.end(),
      }
    : {
        type: 'Error',
        code: error.code,
        message: error.message,
        whatToDo: error.whatToDo,
        ...progress.end(),
      };
