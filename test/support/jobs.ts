import type { Job } from '../../server/domain/job.ts';
import type { JobFact } from '../../server/domain/job-event.ts';
import { noUsage } from '../../server/domain/job-event.ts';
import type { Log } from '../../server/domain/log.ts';

/** A job as a client's request makes it. */
export const queuedJob = (id: string): Job => ({
  id,
  state: 'queued',
  request: { repository: { owner: 'octo', name: 'books' }, prompt: 'Mend it' },
  keyId: null,
  createdAt: '2026-01-02T03:04:05.678Z',
  startedAt: null,
  endedAt: null,
});

export const queuedFact = (id: string): JobFact => ({
  type: 'Job: Queued',
  jobId: id,
  url: `http://127.0.0.1/jobs/${id}`,
  repoUrl: 'https://github.com/octo/books',
  prompt: 'Mend it',
});

const ends = { usage: noUsage, saved: {}, egressDenied: { total: 0, hosts: [] }, durationMs: 1 };

export const resultFact = (status: 'succeeded' | 'cancelled' | 'nothing_to_change'): JobFact => ({
  type: 'Result',
  status,
  prUrl: null,
  summary: 'Done.',
  filesChanged: 0,
  additions: null,
  deletions: null,
  leftOut: [],
  checks: [],
  ...ends,
});

export const errorFact: JobFact = {
  type: 'Error',
  code: 'internal',
  message: 'It failed.',
  whatToDo: 'Look.',
  ...ends,
};

type LogLine = { level: 'info' | 'warn' | 'error'; message: string; fields: Record<string, unknown> };

/** A log that keeps what it is told. */
export const recordingLog = (): Log & { lines: LogLine[] } => {
  const lines: LogLine[] = [];
  const at = (level: LogLine['level']) => (fields: Record<string, unknown>, message: string) => {
    lines.push({ level, message, fields });
  };
  return { lines, info: at('info'), warn: at('warn'), error: at('error') };
};
