import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Context } from 'koa';
import { inertJson } from '../domain/inert-json.ts';
import type { JobStore } from '../domain/job.ts';
import { isTerminal, type JobEvent } from '../domain/job-event.ts';
import type { Log } from '../domain/log.ts';

export type StreamLimits = {
  /** After so much silence a comment keeps proxies from closing the connection. */
  pingMs: number;
  /** A reader that takes nothing for so long is dropped; it can come back with its cursor. */
  idleWriteTimeoutMs: number;
};

/**
 * Answers with the job's events after the cursor as Server-Sent Events, up to the terminal one. Each reader pulls
 * from the store at its own pace, so a slow one costs no memory. When it goes away only this ends: the job goes on.
 */
export const streamEvents = async (
  ctx: Context,
  from: { store: JobStore; jobId: string; after: number },
  limits: StreamLimits,
  log: Log,
): Promise<void> => {
  const { res } = ctx;
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  // It may have left while its job was being stored.
  if (res.destroyed) gone.abort();

  begin(ctx);
  if (ctx.method === 'HEAD') {
    res.end();
    return;
  }
  const ping = setTimeout(() => {
    if (!res.writableNeedDrain) res.write(': ping\n\n');
    ping.refresh();
  }, limits.pingMs);
  const onStalled = (): void => {
    log.info({ jobId: from.jobId }, 'a reader that took nothing was dropped');
    // An orderly end would wait in the operating system for the reader, with all that it did not take.
    res.socket?.resetAndDestroy();
  };

  try {
    for await (const event of eventsOf(from, gone.signal)) {
      ping.refresh();
      if (!res.write(frameOf(event)))
        await within(limits.idleWriteTimeoutMs, onStalled, once(res, 'drain', { signal: gone.signal }));
    }
    clearTimeout(ping);
    await within(limits.idleWriteTimeoutMs, onStalled, flushed(res, gone.signal));
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    clearTimeout(ping);
  }
};

const begin = (ctx: Context): void => {
  // Koa knows a response as a stream to pipe from, which has no time limit for a stalled reader: write it ourselves.
  ctx.respond = false;
  ctx.status = 200;
  ctx.set({
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache',
    'X-Accel-Buffering': 'no',
  });
  ctx.res.flushHeaders();
  if (ctx.method !== 'HEAD') ctx.res.write(`retry: ${retryMs}\n\n`);
};

/** How long a browser waits before it connects again. */
const retryMs = 2_000;

/** Every event after the cursor once and in order, until the terminal event; throws when the signal aborts. */
async function* eventsOf(
  { store, jobId, after }: { store: JobStore; jobId: string; after: number },
  signal: AbortSignal,
): AsyncGenerator<JobEvent, void> {
  let cursor = after;
  while (true) {
    for (const event of await store.waitForEvents(jobId, cursor, signal)) {
      signal.throwIfAborted();
      yield event;
      cursor = event.id;
      if (isTerminal(event)) return;
    }
  }
}

/** All who watch a job are given the same event by the store: its bytes are made once, and kept no longer than it. */
const frames = new WeakMap<JobEvent, Buffer>();

const frameOf = (event: JobEvent): Buffer => {
  const known = frames.get(event);
  if (known !== undefined) return known;
  const made = Buffer.from(render(event));
  frames.set(event, made);
  return made;
};

/** JSON has no bare newline, so one `data:` line holds it all. The number travels as the SSE id only. */
const render = ({ id, type, at, ...fields }: JobEvent): string =>
  `id: ${id}\ndata: ${inertJson(JSON.stringify({ type, ...fields, at }))}\n\n`;

const flushed = async (res: ServerResponse, signal: AbortSignal): Promise<void> => {
  const finished = once(res, 'finish', { signal });
  res.end();
  await finished;
};

const within = async (timeoutMs: number, onTimeout: () => void, wait: Promise<unknown>): Promise<void> => {
  const timer = setTimeout(onTimeout, timeoutMs);
  try {
    await wait;
  } finally {
    clearTimeout(timer);
  }
};
