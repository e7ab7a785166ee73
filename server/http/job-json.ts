import type { Context } from 'koa';
import { inertJson } from '../domain/inert-json.ts';
import { hasEnded, type Job, type JobStore } from '../domain/job.ts';
import { isTerminal, type JobEvent } from '../domain/job-event.ts';

/** What a client is told of a job in a list. */
export const summaryOf = (job: Job, repoUrl: string) => ({
  id: job.id,
  state: job.state,
  repoUrl,
  prompt: job.request.prompt,
  baseBranch: job.request.baseBranch ?? null,
  createdAt: job.createdAt,
  startedAt: job.startedAt,
  endedAt: job.endedAt,
});

/** What a client is told of one job: `result` is its terminal event, null until it has ended. */
export const representationOf = async (store: JobStore, job: Job, repoUrl: string) => {
  const lastEvent = (await store.lastEvent(job.id)) ?? null;
  const result = lastEvent !== null && isTerminal(lastEvent) ? lastEvent : null;
  return {
    ...summaryOf(job, repoUrl),
    lastEvent,
    result,
    usage: result !== null && 'usage' in result ? result.usage : null,
  };
};

const eventsPerRead = 100;

/** A page of events may be shorter than asked for: they hold what commands printed. */
const pageBytesMax = 4 << 20;

/**
 * Events after the cursor, `limit` at most. `next` is the cursor for those that follow, also of those that are yet to
 * come; null when there is none to follow.
 */
export const pageOfEvents = async (
  store: JobStore,
  job: Job,
  { after, limit }: { after: number; limit: number },
): Promise<{ events: JobEvent[]; next: number | null }> => {
  const events: JobEvent[] = [];
  let bytes = 0;
  for (let cursor = after; ; cursor = events.at(-1)?.id ?? cursor) {
    const read = await store.eventsAfter(job.id, cursor, Math.min(eventsPerRead, limit - events.length));
    for (const event of read) {
      bytes += Buffer.byteLength(JSON.stringify(event));
      if (bytes > pageBytesMax && events.length > 0) return { events, next: events.at(-1)?.id ?? after };
      events.push(event);
      if (isTerminal(event)) return { events, next: null };
    }
    if (read.length === 0 || events.length >= limit) break;
  }
  const isOver = events.length === 0 && hasEnded(job);
  return { events, next: isOver ? null : (events.at(-1)?.id ?? after) };
};

export const answerJson = (ctx: Context, value: object): void => {
  ctx.set('Cache-Control', 'no-store');
  ctx.type = 'json';
  ctx.body = inertJson(JSON.stringify(value));
};
