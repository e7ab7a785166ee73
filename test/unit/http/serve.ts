import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { JobFact } from '../../../server/domain/job-event.ts';
import { noUsage } from '../../../server/domain/job-event.ts';
import { type AppOptions, createApp } from '../../../server/http/app.ts';
import { openKeyring } from '../../../server/http/keyring.ts';
import { createServer, type ServerLimits } from '../../../server/http/server.ts';
import { createApiKeys } from '../../../server/store/api-keys.ts';
import { type DrivenStore, openDrivenStore } from '../../support/postgres/driven-store.ts';

export type LogLine = { level: 'info' | 'warn' | 'error'; message: string; fields: Record<string, unknown> };

type Served = Partial<Omit<AppOptions, 'store'>> & {
  store?: DrivenStore;
  /** As in the settings. */
  apiKeys?: string[];
};

/** The app on a real server on loopback, with a store on a real database. */
export const serve = async (
  { store: given, apiKeys = [], ...overrides }: Served = {},
  limits: Partial<ServerLimits> = {},
) => {
  const store = given ?? (await openDrivenStore({ queuedMax: 10 }));
  const lines: LogLine[] = [];
  const line = (level: LogLine['level']) => (fields: Record<string, unknown>, message: string) => {
    lines.push({ level, message, fields });
  };
  let jobs = 0;
  const keys = createApiKeys(store.database);
  const keyring = await openKeyring({ fromSettings: apiKeys, readStored: keys.list, freshMs: 0 });
  const app = createApp({
    store,
    cancel: (jobId) => store.cancel(jobId, cancelled),
    ready: async () => ({ ready: true, checks: [] }),
    stopping: new AbortController().signal,
    refuseJobs: () => {},
    newJobId: () => `job-${++jobs}`,
    githubUrl: 'https://github.com',
    images: [{ name: 'default', holds: 'Node.js 24' }],
    keyring,
    servesWithoutKeys: true,
    trustedProxies: [],
    requestsPerMinuteMax: 10_000,
    failedKeysPerMinuteMax: 10_000,
    streamsPerKeyMax: 100,
    bodyBytesMax: 64 * 1024,
    jobLimitsMax: {},
    pingMs: 15_000,
    idleWriteTimeoutMs: 10_000,
    log: { info: line('info'), warn: line('warn'), error: line('error') },
    ...overrides,
  });
  const server = createServer(app, {
    headersTimeoutMs: 5_000,
    requestTimeoutMs: 10_000,
    keepAliveTimeoutMs: 5_000,
    headerBytesMax: 8 * 1024,
    connectionsMax: 100,
    ...limits,
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    store,
    /** The keys in the database. */
    keys,
    keyring,
    lines,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      if (server.listening) await once(server.close(), 'close');
      await store[Symbol.asyncDispose]();
    },
  };
};

export const repoUrl = 'https://github.com/octocat/hello-world';

export const postJson = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const ends = { usage: noUsage, saved: {}, egressDenied: { total: 0, hosts: [] }, durationMs: 1 };

export const succeeded: Extract<JobFact, { type: 'Result' }> = {
  type: 'Result',
  status: 'nothing_to_change',
  prUrl: null,
  summary: 'Nothing to do.',
  filesChanged: 0,
  additions: null,
  deletions: null,
  leftOut: [],
  checks: [],
  ...ends,
};

const cancelled: JobFact = { ...succeeded, status: 'cancelled', summary: 'Cancelled.' };

/** Puts a job into the store without the server's help. */
export const createJob = async (
  store: DrivenStore,
  id: string,
  keyId: string | null = null,
): Promise<void> => {
  const request = { repository: { owner: 'octocat', name: 'hello-world' }, prompt: 'Mend it' };
  await store.create(
    {
      ...{ id, state: 'queued', request, createdAt: '2026-01-02T03:04:05.678Z' },
      ...{ keyId, startedAt: null, endedAt: null },
    },
    { type: 'Job: Queued', jobId: id, url: `http://127.0.0.1/jobs/${id}`, repoUrl, prompt: 'Mend it' },
  );
};

/** Puts a job into the store and claims it, as a worker does. */
export const createRunningJob = async (store: DrivenStore, id: string): Promise<void> => {
  await createJob(store, id);
  await store.take();
};

/** A request with headers that fetch would not send. */
export const rawRequest = async (
  url: string,
  { body, ...options }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number | undefined; headers: IncomingHttpHeaders; body: string }> => {
  const sent = request(url, { agent: false, ...options }).end(body);
  const [response] = await once(sent, 'response');
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
};

export const until = async (
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 5_000,
): Promise<void> => {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`still not so after ${timeoutMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
