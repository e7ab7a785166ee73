import Router from '@koa/router';
import type { Context } from 'koa';
import { AppError } from '../domain/errors.ts';
import { inertJson } from '../domain/inert-json.ts';
import { hasEnded, type Job, type JobStore } from '../domain/job.ts';
import type { Log } from '../domain/log.ts';
import { createCodeRequestParser } from './code-request.ts';
import { type StreamLimits, streamEvents } from './event-stream.ts';
import { InvalidRequest } from './invalid-request.ts';
import { readJsonBody } from './json-body.ts';
import { renderPatch } from './patch.ts';
import { baseUrlOf } from './public-url.ts';

export type JobRoutesOptions = StreamLimits & {
  store: JobStore;
  /** Throws when no job can run here. */
  refuseJobs(): void;
  /** Stops a job; false when it had ended already. */
  cancel(jobId: string): Promise<boolean>;
  /** Aborted when the server is to end: it then takes no more jobs. */
  stopping: AbortSignal;
  newJobId(): string;
  githubUrl: string;
  /** Where clients reach this server; without it the request's Host says so. */
  publicUrl?: string;
  bodyBytesMax: number;
  log: Log;
};

export const createJobRoutes = (options: JobRoutesOptions): Router => {
  const { store, log } = options;
  const parseCodeRequest = createCodeRequestParser(options.githubUrl);
  const repoUrlOf = ({ request }: Job): string =>
    `${withoutSlash(options.githubUrl)}/${request.repository.owner}/${request.repository.name}`;
  const router = new Router();

  router.post('/code', async (ctx) => {
    const request = parseCodeRequest(await readJsonBody(ctx, options.bodyBytesMax));
    if (options.stopping.aborted)
      throw new AppError('server_stopped', 'The server stops: it takes no more jobs.');
    options.refuseJobs();
    const job: Job = {
      id: options.newJobId(),
      state: 'queued',
      request,
      keyId: null,
      createdAt: new Date().toISOString(),
      startedAt: null,
      endedAt: null,
    };
    await store.create(job, {
      type: 'Job: Queued',
      jobId: job.id,
      url: `${withoutSlash(options.publicUrl ?? baseUrlOf(ctx.req))}/jobs/${job.id}`,
      repoUrl: repoUrlOf(job),
      prompt: request.prompt,
    });
    await streamEvents(ctx, { store, jobId: job.id, after: 0 }, options, log);
  });

  router.get('/jobs/:id', async (ctx) => {
    const job = await findJob(store, ctx.params.id);
    ctx.set('Cache-Control', 'no-store');
    answer(ctx, await representation(store, job, repoUrlOf(job)));
  });

  router.get('/jobs/:id/events', async (ctx) => {
    const job = await findJob(store, ctx.params.id);
    const cursor = cursorOf(ctx);
    const [next] = await store.eventsAfter(job.id, cursor.after, 1);
    if (next === undefined && hasEnded(job)) {
      // 204 is how Server-Sent Events tell a browser not to connect again.
      ctx.status = 204;
      return;
    }
    if (next === undefined) await refuseFutureCursor(store, job.id, cursor);
    await streamEvents(ctx, { store, jobId: job.id, after: cursor.after }, options, log);
  });

  router.get('/jobs/:id/patch', async (ctx) => {
    const { id } = await findJob(store, ctx.params.id);
    const checkpoint = await store.checkpoint(id);
    ctx.set({ 'Cache-Control': 'no-store', 'Content-Type': 'text/x-diff; charset=utf-8' });
    if (checkpoint?.incomplete !== undefined)
      ctx.set('Backspace-Incomplete', headerText(checkpoint.incomplete));
    ctx.body = renderPatch(checkpoint);
  });

  router.delete('/jobs/:id', async (ctx) => {
    const { id } = await findJob(store, ctx.params.id);
    await options.cancel(id);
    const job = await findJob(store, id);
    ctx.status = 202;
    answer(ctx, await representation(store, job, repoUrlOf(job)));
  });

  return router;
};

const withoutSlash = (url: string): string => url.replace(/\/$/, '');

const findJob = async (store: JobStore, id: string | undefined): Promise<Job> => {
  // An id of ours has no other characters; a store need not look for the rest.
  const job = id !== undefined && /^[\w-]{1,64}$/.test(id) ? await store.find(id) : undefined;
  if (job === undefined) {
    throw new AppError('not_found', 'There is no job with this id.', {
      whatToDo: 'Check the id; the server may also have forgotten the job.',
    });
  }
  return job;
};

/** A header has no other characters. */
const headerText = (text: string): string => text.replaceAll(/[^ -~]/g, '?');

const answer = (ctx: Context, value: object): void => {
  ctx.type = 'json';
  ctx.body = inertJson(JSON.stringify(value));
};

const representation = async (store: JobStore, job: Job, repoUrl: string) => ({
  id: job.id,
  state: job.state,
  repoUrl,
  prompt: job.request.prompt,
  baseBranch: job.request.baseBranch ?? null,
  createdAt: job.createdAt,
  startedAt: job.startedAt,
  endedAt: job.endedAt,
  lastEvent: (await store.lastEvent(job.id)) ?? null,
});

type Cursor = { field: string; after: number };

/** A browser that connects again sends the header to the URL of its first visit, so the header is the newer one. */
const cursorOf = (ctx: Context): Cursor => {
  const header = ctx.get('Last-Event-ID');
  const [field, text] = header !== '' ? ['Last-Event-ID', header] : ['after', ctx.query.after ?? '0'];
  if (typeof text !== 'string' || !/^\d{1,15}$/.test(text)) {
    throw new InvalidRequest([{ field: String(field), message: 'must be the number of an event' }]);
  }
  return { field: String(field), after: Number(text) };
};

/** Whoever waits behind an event that is yet to come would miss it, and for the end wait for ever. */
const refuseFutureCursor = async (
  store: JobStore,
  jobId: string,
  { field, after }: Cursor,
): Promise<void> => {
  if (after === 0) return;
  const [known] = await store.eventsAfter(jobId, after - 1, 1);
  if (known === undefined) {
    throw new InvalidRequest([{ field, message: `must not be higher than the job’s last event` }]);
  }
};
