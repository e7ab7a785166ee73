import Router from '@koa/router';
import Koa from 'koa';
import { createClientAddress } from './client-address.ts';
import { limitByAddress, refuseForeignOrigin, requireKey, requireKnownHost } from './guards.ts';
import { createJobRoutes, type JobRoutesOptions } from './job-routes.ts';
import type { Keyring } from './keyring.ts';
import { createOpenStreams } from './open-streams.ts';
import { problems } from './problems.ts';
import { createRateLimit } from './rate-limit.ts';

/** Whether jobs can run here, one check for each part that they need. */
type ReadyReport = {
  ready: boolean;
  checks: { name: string; ok: boolean; detail: string }[];
};

export type AppOptions = JobRoutesOptions & {
  ready(): Promise<ReadyReport>;
  keyring: Keyring;
  /** Whether everybody is served as long as there is no key: the caller then listens on loopback only. */
  servesWithoutKeys: boolean;
  /** Addresses and networks whose word about their clients is taken. */
  trustedProxies: readonly string[];
  /** Of one key; of one address where there is no key. */
  requestsPerMinuteMax: number;
  failedKeysPerMinuteMax: number;
  streamsPerKeyMax: number;
};

/** The HTTP interface: requests in, jobs and their events out. Whatever runs the jobs is behind the store. */
export const createApp = (options: AppOptions): Koa => {
  const { log, keyring, publicUrl } = options;
  const clientAddress = createClientAddress(options.trustedProxies);
  const access = {
    keyring,
    servesWithoutKeys: options.servesWithoutKeys,
    addressOf: ({ req }: Koa.Context) => clientAddress(req),
    requests: createRateLimit(options.requestsPerMinuteMax, 'requests'),
    failures: createRateLimit(options.failedKeysPerMinuteMax, 'requests without a valid API key'),
  };
  const health = createHealthRoutes(options.ready, limitByAddress(access));
  const jobs = createJobRoutes(options, createOpenStreams(options.streamsPerKeyMax, keyring));
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
  app.use(requireKnownHost(keyring, publicUrl));
  app.use(refuseForeignOrigin(publicUrl));
  app.use(jobs.allowedMethods());
  app.use(health.routes());
  app.use(requireKey(access));
  app.use(jobs.routes());
  return app;
};

/** For whoever supervises the server; both answer without a key. */
const createHealthRoutes = (ready: AppOptions['ready'], limit: Koa.Middleware): Router => {
  const router = new Router();
  router.use(limit);

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
