import Router from '@koa/router';
import Koa from 'koa';
import { requireKey, requireLoopbackHost } from './guards.ts';
import { createJobRoutes, type JobRoutesOptions } from './job-routes.ts';
import { problems } from './problems.ts';

/** Whether jobs can run here, one check for each part that they need. */
type ReadyReport = {
  ready: boolean;
  checks: { name: string; ok: boolean; detail: string }[];
};

export type AppOptions = JobRoutesOptions & {
  ready(): Promise<ReadyReport>;
  /** Without keys whoever asks is served: the caller then listens on loopback only. */
  apiKeys: readonly string[];
};

/** The HTTP interface: requests in, jobs and their events out. Whatever runs the jobs is behind the store. */
export const createApp = (options: AppOptions): Koa => {
  const { log, apiKeys } = options;
  const health = createHealthRoutes(options.ready);
  const jobs = createJobRoutes(options);
  const app = new Koa();

  app.on('error', (error: Error, ctx?: Koa.Context) => {
    // The middleware below has caught what our code throws; a connection's own failure is the client's affair.
    if (error !== ctx?.req.socket.errored) log.error({ err: error }, 'a response failed');
  });
  app.use(problems(log));
  app.use(async (ctx, next) => {
    ctx.set('X-Content-Type-Options', 'nosniff');
    await next();
  });
  if (apiKeys.length === 0) app.use(requireLoopbackHost);
  app.use(jobs.allowedMethods());
  app.use(health.routes());
  app.use(requireKey(apiKeys));
  app.use(jobs.routes());
  return app;
};

/** For whoever supervises the server; both answer without a key. */
const createHealthRoutes = (ready: AppOptions['ready']): Router => {
  const router = new Router();

  router.get('/healthz', (ctx) => {
    ctx.set('Cache-Control', 'no-store');
    ctx.body = { status: 'ok' };
  });

  router.get('/readyz', async (ctx) => {
    const report = await ready();
    ctx.set('Cache-Control', 'no-store');
    ctx.status = report.ready ? 200 : 503;
    ctx.body = report;
  });

  return router;
};
