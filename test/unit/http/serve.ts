import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { JobStore } from '../../../server/domain/job.ts';
import type { JobFact } from '../../../server/domain/job-event.ts';
import { noUsage } from '../../../server/domain/job-event.ts';
import { type AppOptions, createApp } from '../../../server/http/app.ts';
import { createServer, type ServerLimits } from '../../../server/http/server.ts';
import { createMemoryStore } from '../../../server/store/memory-store.ts';

export type LogLine = { level: 'info' | 'warn' | 'error'; message: string; fields: Record<string, unknown> };

/** The app on a real server on loopback, with the store of the production code. */
export const serve = async (overrides: Partial<AppOptions> = {}, limits: Partial<ServerLimits> = {}) => {
  const store = overrides.store ?? createMemoryStore({ queuedMax: 10, jobsKeptMax: 100 });
  const lines: LogLine[] = [];
  const line = (level: LogLine['level']) => (fields: Record<string, unknown>, message: string) => {
    lines.push({ level, message, fields });
  };
  let jobs = 0;
  const app = createApp({
    store,
    cancel: async (jobId) => {
      if ((await store.find(jobId))?.state !== 'queued') return false;
      await store.append(jobId, cancelled);
      return true;
    },
    ready: async () => ({ ready: true, checks: [] }),
    stopping: new AbortController().signal,
    refuseJobs: () => {},
    newJobId: () => `job-${++jobs}`,
    githubUrl: 'https://github.com',
    apiKeys: [],
    bodyBytesMax: 64 * 1024,
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
    lines,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
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
  ...ends,
};

const cancelled: JobFact = { ...succeeded, status: 'cancelled', summary: 'Cancelled.' };

/** Puts a job into the store without the server's help. */
export const createJob = async (store: JobStore, id: string): Promise<void> => {
  const request = { repository: { owner: 'octocat', name: 'hello-world' }, prompt: 'Mend it' };
  await store.create(
    { id, state: 'queued', request, createdAt: '2026-01-02T03:04:05.678Z' },
    { type: 'Job: Queued', jobId: id, url: `http://127.0.0.1/jobs/${id}`, repoUrl, prompt: 'Mend it' },
  );
};

/** Puts a job into the store and claims it, as a worker does. */
export const createRunningJob = async (store: JobStore, id: string): Promise<void> => {
  await createJob(store, id);
  await store.claim(AbortSignal.timeout(1_000));
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
