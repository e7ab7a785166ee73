import { AppError } from '../domain/errors.ts';
import { canBecome, endState, type Job, type JobStore } from '../domain/job.ts';
import type { JobEvent, JobFact } from '../domain/job-event.ts';

/**
 * Jobs and events in the memory of one server: nothing outlives the process. Finished jobs beyond `jobsKeptMax` are
 * forgotten, the oldest first.
 */
export const createMemoryStore = (limits: { queuedMax: number; jobsKeptMax: number }): JobStore => {
  const records = new Map<string, JobRecord>();
  const queue: JobRecord[] = [];
  const queueChanged = createSignal();

  const record = (jobId: string): JobRecord => {
    const found = records.get(jobId);
    if (!found) throw new AppError('not_found', `There is no job ${jobId}.`);
    return found;
  };

  const append = (target: JobRecord, fact: JobFact): JobEvent => {
    const end = endState(fact);
    const { state } = target.job;
    if (state !== 'queued' && state !== 'running') {
      throw new AppError('internal', `Job ${target.job.id} has ended: nothing can be added to it.`);
    }
    if (end) become(target, end);
    const event = { ...fact, id: target.events.length + 1, at: new Date().toISOString() };
    target.events.push(event);
    target.changed.notify();
    return event;
  };

  const become = (target: JobRecord, state: Job['state']) => {
    if (!canBecome(target.job.state, state)) {
      throw new AppError('internal', `A ${target.job.state} job cannot become ${state}.`);
    }
    target.job = { ...target.job, state };
    const place = queue.indexOf(target);
    if (place >= 0) queue.splice(place, 1);
  };

  const forgetOld = () => {
    for (const [id, { job }] of records) {
      if (records.size <= limits.jobsKeptMax) return;
      if (job.state !== 'queued' && job.state !== 'running') records.delete(id);
    }
  };

  return {
    async create(job, first) {
      if (queue.length >= limits.queuedMax) {
        throw new AppError('queue_full', `${queue.length} jobs wait already: no more are taken now.`);
      }
      const created: JobRecord = { job, events: [], changed: createSignal() };
      records.set(job.id, created);
      queue.push(created);
      append(created, first);
      queueChanged.notify();
      forgetOld();
    },
    async find(jobId) {
      return records.get(jobId)?.job;
    },
    async append(jobId, fact) {
      return append(record(jobId), fact);
    },
    async eventsAfter(jobId, after, limit) {
      return record(jobId).events.slice(after, after + limit);
    },
    async waitForEvents(jobId, after, signal) {
      const target = record(jobId);
      while (target.events.length <= after) await target.changed.wait(signal);
    },
    async queued() {
      return queue.map(({ job }) => job.id);
    },
    async claim(signal) {
      for (;;) {
        const oldest = queue[0];
        if (oldest) {
          become(oldest, 'running');
          return oldest.job;
        }
        await queueChanged.wait(signal);
      }
    },
  };
};

type JobRecord = { job: Job; events: JobEvent[]; changed: Signal };

type Signal = { notify(): void; wait(signal: AbortSignal): Promise<void> };

/** Wakes whoever waits; they look again whether that was what they wait for. */
const createSignal = (): Signal => {
  const waiting = new Set<() => void>();
  return {
    notify() {
      for (const wake of [...waiting]) wake();
    },
    wait: (signal) =>
      new Promise<void>((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const settle = (finish: () => void) => () => {
          waiting.delete(wake);
          signal.removeEventListener('abort', abort);
          finish();
        };
        const wake = settle(resolve);
        const abort = settle(() => reject(signal.reason));
        waiting.add(wake);
        signal.addEventListener('abort', abort);
      }),
  };
};
