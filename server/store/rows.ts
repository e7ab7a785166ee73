import type { Job, JobRequest, JobState } from '../domain/job.ts';
import type { JobEvent, JobFact } from '../domain/job-event.ts';

/** A row of `jobs`, as far as others than its holder may know it. */
export type JobRow = {
  id: string;
  key_id: string | null;
  state: JobState;
  request: JobRequest;
  created_at: Date;
  started_at: Date | null;
  ended_at: Date | null;
};

export const jobColumns = 'id, key_id, state, request, created_at, started_at, ended_at';

export const jobOf = (row: JobRow): Job => ({
  id: row.id,
  state: row.state,
  request: row.request,
  keyId: row.key_id,
  createdAt: row.created_at.toISOString(),
  startedAt: row.started_at?.toISOString() ?? null,
  endedAt: row.ended_at?.toISOString() ?? null,
});

export type EventRow = { number: number; at: Date; fact: JobFact };

export const eventOf = ({ number, at, fact }: EventRow): JobEvent => ({
  ...fact,
  id: number,
  at: at.toISOString(),
});
