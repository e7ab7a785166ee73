import { createHash } from 'node:crypto';
import Router from '@koa/router';
import type { Context } from 'koa';
import { mayUse } from '../domain/api-key.ts';
import { AppError } from '../domain/errors.ts';
import {
  hasEnded,
  type Idempotency,
  type Job,
  type JobLimits,
  type JobRequest,
  type JobStore,
} from '../domain/job.ts';
import type { Log } from '../domain/log.ts';
import { createCodeRequestParser, type OfferedImages } from './code-request.ts';
import { type StreamLimits, streamEvents } from './event-stream.ts';
import { keyOf } from './guards.ts';
import { InvalidRequest } from './invalid-request.ts';
import { answerJson, pageOfEvents, representationOf, summaryOf } from './job-json.ts';
import { readJsonBody } from './json-body.ts';
import type { OpenStreams } from './open-streams.ts';
import { renderPatch } from './patch.ts';
import { baseUrlOf } from './public-url.ts';
import { beforeIn, type Cursor, cursorIn, idempotencyKeyIn, limitIn, stateIn, wantsJson } from './query.ts';

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
  /** Those that a job may choose. */
  images: OfferedImages;
  /** Where clients reach this server; without it the request's Host says so. */
  publicUrl?: string;
  bodyBytesMax: number;
  /** What a request may ask for at most; what is left out has no limit. */
  jobLimitsMax: JobLimits;
  log: Log;
};

const jobsPerPage = { max: 100, otherwise: 20 };
const eventsPerPage = { max: 1000, otherwise: 100 };

export const createJobRoutes = (options: JobRoutesOptions, openStreams: OpenStreams): Router => {
  const { store, log } = options;
  const { githubUrl, jobLimitsMax, images } = options;
  const parseCodeRequest = createCodeRequestParser(githubUrl, jobLimitsMax, images);
  const repoUrlOf = ({ request }: Job): string =>
    `${withoutSlash(options.githubUrl)}/${request.repository.owner}/${request.repository.name}`;
  const urlOf = (ctx: Context, jobId: string): string =>
    `${withoutSlash(options.publicUrl ?? baseUrlOf(ctx.req))}/jobs/${jobId}`;
  const represent = (job: Job) => representationOf(store, job, repoUrlOf(job));
  const beginStream = (ctx: Context): Disposable =>
    openStreams.begin({ keyId: keyOf(ctx)?.id, cut: () => ctx.res.destroy() });
  const router = new Router();

  router.post('/code', async (ctx) => {
    const asJson = wantsJson(ctx);
    const idempotencyKey = idempotencyKeyIn(ctx);
    const request = parseCodeRequest(await readJsonBody(ctx, options.bodyBytesMax));
    refuseForbiddenRepository(ctx, request);
    if (options.stopping.aborted)
      throw new AppError('server_stopped', 'The server stops: it takes no more jobs.');
    options.refuseJobs();
    // Before the job is stored: a client that gets no stream must not get a job without knowing.
    using _ = asJson ? undefined : beginStream(ctx);
    const id = options.newJobId();
    const asked: Job = {
      ...{ id, state: 'queued', request, keyId: ownerOf(ctx) },
      ...{ createdAt: new Date().toISOString(), startedAt: null, endedAt: null },
    };
    const job = await store.create(
      asked,
      {
        ...{ type: 'Job: Queued', jobId: id, url: urlOf(ctx, id) },
        ...{ repoUrl: repoUrlOf(asked), prompt: request.prompt },
      },
      idempotencyKey === undefined ? undefined : idempotencyOf(idempotencyKey, request),
    );
    if (asJson) {
      ctx.status = 202;
      ctx.set('Location', urlOf(ctx, job.id));
      answerJson(ctx, await represent(await findJob(store, ctx, job.id)));
      return;
    }
    await streamEvents(ctx, { store, jobId: job.id, after: 0 }, options, log);
  });

  router.get('/jobs', async (ctx) => {
    const limit = limitIn(ctx, jobsPerPage.max, jobsPerPage.otherwise);
    const state = stateIn(ctx);
    const before = beforeIn(ctx);
    if (before !== undefined && (await lookUp(store, ctx, before)) === undefined) {
      throw new InvalidRequest([{ field: 'before', message: 'must be the id of a job' }]);
    }
    const filter = { ...(state && { state }), ...(before !== undefined && { before }) };
    const jobs = await store.list({ keyId: ownerOf(ctx), ...filter, limit: limit + 1 });
    const page = jobs.slice(0, limit);
    const next = jobs.length > limit ? page.at(-1)?.id : null;
    answerJson(ctx, { jobs: page.map((job) => summaryOf(job, repoUrlOf(job))), next });
  });

  router.get('/jobs/:id', async (ctx) => {
    const job = await findJob(store, ctx, ctx.params.id);
    answerJson(ctx, await represent(job));
  });

  router.get('/jobs/:id/events', async (ctx) => {
    const job = await findJob(store, ctx, ctx.params.id);
    const asJson = wantsJson(ctx);
    const cursor = cursorIn(ctx);
    const limit = limitIn(ctx, eventsPerPage.max, eventsPerPage.otherwise);
    const [next] = await store.eventsAfter(job.id, cursor.after, 1);
    if (next === undefined && !hasEnded(job)) await refuseFutureCursor(store, job.id, cursor);
    if (asJson) {
      answerJson(ctx, await pageOfEvents(store, job, { after: cursor.after, limit }));
      return;
    }
    if (next === undefined && hasEnded(job)) {
      // 204 is how Server-Sent Events tell a browser not to connect again.
      ctx.status = 204;
      return;
    }
    using _ = beginStream(ctx);
    await streamEvents(ctx, { store, jobId: job.id, after: cursor.after }, options, log);
  });

  router.get('/jobs/:id/patch', async (ctx) => {
    const { id } = await findJob(store, ctx, ctx.params.id);
    const checkpoint = await store.checkpoint(id);
    ctx.set({ 'Cache-Control': 'no-store', 'Content-Type': 'text/x-diff; charset=utf-8' });
    if (checkpoint?.incomplete !== undefined)
      ctx.set('Backspace-Incomplete', headerText(checkpoint.incomplete));
    ctx.body = renderPatch(checkpoint);
  });

  router.delete('/jobs/:id', async (ctx) => {
    const { id } = await findJob(store, ctx, ctx.params.id);
    await options.cancel(id);
    ctx.status = 202;
    answerJson(ctx, await represent(await findJob(store, ctx, id)));
  });

  return router;
};

const withoutSlash = (url: string): string => url.replace(/\/$/, '');

/** What the caller's jobs say whose they are. */
const ownerOf = (ctx: Context): string | null => keyOf(ctx)?.id ?? null;

/** The caller's own job; those of others are to it what no job is. */
const lookUp = async (store: JobStore, ctx: Context, id: string | undefined): Promise<Job | undefined> => {
  // An id of ours has no other characters; a store need not look for the rest.
  const job = id !== undefined && /^[\w-]{1,64}$/.test(id) ? await store.find(id) : undefined;
  return job?.keyId === ownerOf(ctx) ? job : undefined;
};

const findJob = async (store: JobStore, ctx: Context, id: string | undefined): Promise<Job> => {
  const job = await lookUp(store, ctx, id);
  if (job === undefined) {
    throw new AppError('not_found', 'There is no job with this id.', {
      whatToDo: 'Check the id and the API key; the server may also have forgotten the job.',
    });
  }
  return job;
};

const refuseForbiddenRepository = (ctx: Context, { repository }: JobRequest): void => {
  const key = keyOf(ctx);
  if (key === undefined || mayUse(key, repository)) return;
  throw new AppError('forbidden', 'This API key is not for this repository.', {
    whatToDo: `Ask for one of ${key.repositories?.join(', ')}, or use another key.`,
  });
};

/** A header has no other characters. */
const headerText = (text: string): string => text.replaceAll(/[^ -~]/g, '?');

/** The request as it was understood: another order of its fields or other white space is the same request. */
const idempotencyOf = (key: string, request: JobRequest): Idempotency => ({
  key,
  requestHash: createHash('sha256').update(canonical(request)).digest('hex'),
});

/** A hash that an earlier version has stored stays what it is, as long as no newer field is used. */
const canonical = ({ repository, prompt, baseBranch, ...rest }: JobRequest): string => {
  const options = Object.entries(rest).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const first = [repository.owner, repository.name, prompt, baseBranch ?? null];
  return JSON.stringify(options.length > 0 ? [...first, options] : first);
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
