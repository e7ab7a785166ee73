import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../../server/domain/log.ts';
import { createRedactor } from '../../../server/domain/redact.ts';
import type { Trace } from '../../../server/domain/trace.ts';
import { createTrace } from '../../../server/langsmith/trace.ts';
import type { CapturedRun } from '../../support/langsmith/captured-runs.ts';
import { type LangSmithOptions, startLangSmith } from '../../support/langsmith/server.ts';

const canary = 'canary-9f8e7d6c5b4a';
const apiKey = 'lsv2_pt_0123456789abcdef';
const redactor = createRedactor([canary, apiKey]);

const recordingLog = () => {
  const lines: { level: string; fields: Record<string, unknown>; message: string }[] = [];
  const at = (level: string) => (fields: Record<string, unknown>, message: string) =>
    void lines.push({ level, fields, message });
  const log: Log = { info: at('info'), warn: at('warn'), error: at('error') };
  return { log, lines };
};

const traceTo = (endpoint: string, log: Log = recordingLog().log) =>
  createTrace({ apiKey, endpoint, project: 'backspace', redact: redactor.text, log });

const job = { id: 'job-1', metadata: { repository: 'acme/shop', ls_model_name: 'claude-opus-5-5' } };

/** A job with two steps, a model call and two tool calls, one of which fails. */
const traceJob = (trace: Trace) => {
  const root = trace.start(job, { prompt: `Use ${canary} please.` });
  const clone = root.child('chain', 'clone', {});
  clone.end({ commit: 'abc' });
  const agent = root.child('chain', 'agent', {});
  const model = agent.child('llm', 'claude-opus-5-5', { messages: [{ role: 'user', content: 'Hello' }] });
  model.end(
    { content: 'I look.' },
    {
      usage: {
        inputTokens: 120,
        outputTokens: 30,
        cacheReadTokens: 80,
        cacheWriteTokens: 20,
        costUsd: 'unknown' as const,
      },
    },
  );
  const bash = agent.child('tool', 'bash', { command: `echo ${canary}`, [canary]: 'as a key' });
  bash.end({ output: btoa(`x-access-token:${canary}`) }, { error: `exit code 1: ${canary}` });
  agent.child('tool', 'read', { filepath: 'a.ts' }).end();
  agent.end({ turns: 1 });
  root.end({ pullRequest: 7 });
  root.end({ pullRequest: 8 }, { error: 'a second end' });
};

const isDone = (runs: CapturedRun[]) => runs.length === 6 && runs.every(({ end_time: end }) => end !== null);

for (const options of [
  { encoding: 'zstd' },
  { encoding: 'gzip' },
  { encoding: 'identity' },
  { endpoint: 'batch' },
] satisfies LangSmithOptions[]) {
  test(`a job arrives as a tree in its thread, redacted, with ${JSON.stringify(options)}`, async () => {
    await using langsmith = await startLangSmith(options);
    const { log, lines } = recordingLog();
    const trace = traceTo(langsmith.url, log);

    traceJob(trace);
    await trace.flush(5_000);

    const runs = await langsmith.waitForRuns(isDone, 1_000);
    const names = new Map(runs.map(({ id, name }) => [id, name]));
    const order = runs.toSorted((a, b) => String(a.dotted_order).localeCompare(String(b.dotted_order)));
    const metadata = { ...job.metadata, thread_id: 'job-1' };
    assert.deepEqual(
      order.map((run) => ({
        name: run.name,
        type: run.run_type,
        parent: names.get(run.parent_run_id ?? ''),
        trace: names.get(run.trace_id ?? ''),
        project: run.session_name,
        inputs: run.inputs,
        outputs: run.outputs,
        error: run.error,
        metadata: run.extra?.metadata,
      })),
      [
        {
          name: 'job',
          type: 'chain',
          parent: undefined,
          inputs: { prompt: 'Use [redacted] please.' },
          outputs: { pullRequest: 7 },
        },
        { name: 'clone', type: 'chain', parent: 'job', inputs: {}, outputs: { commit: 'abc' } },
        { name: 'agent', type: 'chain', parent: 'job', inputs: {}, outputs: { turns: 1 } },
        {
          name: 'claude-opus-5-5',
          type: 'llm',
          parent: 'agent',
          inputs: { messages: [{ role: 'user', content: 'Hello' }] },
          outputs: {
            content: 'I look.',
            usage_metadata: {
              input_tokens: 120,
              output_tokens: 30,
              total_tokens: 150,
              input_token_details: { cache_read: 80, ephemeral_5m_input_tokens: 20 },
            },
          },
        },
        {
          name: 'bash',
          type: 'tool',
          parent: 'agent',
          inputs: { command: 'echo [redacted]', '[redacted]': 'as a key' },
          outputs: { output: 'eC1hY2Nlc3MtdG9rZW46[redacted]Q==' },
          error: 'exit code 1: [redacted]',
        },
        { name: 'read', type: 'tool', parent: 'agent', inputs: { filepath: 'a.ts' }, outputs: {} },
      ].map((run) => ({ error: null, ...run, trace: 'job', project: 'backspace', metadata })),
    );
    assert.deepEqual([langsmith.raw.includes(canary), langsmith.raw.includes(apiKey)], [false, false]);
    assert.deepEqual(lines, []);
  });
}

test('without a key nothing is traced and nothing is sent', async () => {
  await using langsmith = await startLangSmith();
  const trace = createTrace({ ...optionsWithoutKey, endpoint: langsmith.url });

  traceJob(trace);
  const span = trace.start(job, {});
  await trace.flush(1_000);

  assert.deepEqual(
    [span.url, span.child('tool', 'bash', {}).url, langsmith.requests],
    [undefined, undefined, []],
  );
});

const optionsWithoutKey = { apiKey: undefined, project: 'p', redact: redactor.text, log: recordingLog().log };

test('the environment decides neither whether nor where nor what is traced', async (t) => {
  await using langsmith = await startLangSmith();
  await using other = await startLangSmith();
  const set: Record<string, string> = {
    LANGSMITH_TRACING: 'false',
    LANGSMITH_ENDPOINT: other.url,
    LANGSMITH_API_KEY: 'lsv2_other',
    LANGSMITH_PROJECT: 'other',
    LANGSMITH_RUNS_ENDPOINTS: JSON.stringify([{ api_url: other.url, api_key: 'lsv2_other' }]),
    LANGSMITH_TRACING_SAMPLING_RATE: '0',
    LANGSMITH_HIDE_INPUTS: 'true',
    LANGSMITH_WORKSPACE_ID: 'other',
    LANGSMITH_SOMETHING: canary,
  };
  const before = Object.keys(set).map((name) => [name, process.env[name]] as const);
  t.after(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  Object.assign(process.env, set);
  const trace = traceTo(langsmith.url);

  traceJob(trace);
  await trace.flush(5_000);

  const runs = await langsmith.waitForRuns(isDone, 1_000);
  assert.deepEqual(new Set(runs.map((run) => run.session_name)), new Set(['backspace']));
  assert.deepEqual(runs[0]?.inputs, { prompt: 'Use [redacted] please.' });
  assert.deepEqual([langsmith.raw.includes(canary), other.requests], [false, []]);
});

test('long texts keep head and tail, and what is no JSON does no harm', async () => {
  await using langsmith = await startLangSmith();
  const trace = traceTo(langsmith.url);
  const loop: Record<string, unknown> = {
    big: 12n,
    date: new Date(0),
    bytes: new Uint8Array(9),
    error: new Error('no'),
  };
  loop.self = loop;

  // The cut at 10,000 characters goes through the middle of the secret.
  const root = trace.start(job, {
    long: `${'a'.repeat(9_990)}${canary}${'z'.repeat(50_000)}`,
    list: Array(5_000).fill(1),
  });
  root.end({ loop, full: Array.from({ length: 100 }, () => 'x'.repeat(15_000)) });
  await trace.flush(5_000);

  const [run] = await langsmith.waitForRuns((runs) => runs[0]?.end_time != null, 1_000);
  const { long, list } = (run?.inputs ?? {}) as { long: string; list: number[] };
  assert.equal(
    long,
    `${'a'.repeat(9_990)}[redacted]\n[… 40000 characters left out …]\n${'z'.repeat(10_000)}`,
  );
  assert.equal(list.length, 1_000);
  const outputs = (run?.outputs ?? {}) as { loop: Record<string, unknown>; full: string[] };
  const { self: _, ...flat } = outputs.loop;
  assert.deepEqual(flat, { big: '12', date: String(new Date(0)), bytes: '[9 bytes]', error: 'Error: no' });
  assert.equal(outputs.full.at(-1), '[left out: the trace of this run is full]');
  assert.ok(langsmith.raw.length < 1_200_000, `${langsmith.raw.length} characters`);
});

test('a failing service is reported once, its memory is freed and the console stays quiet', async (t) => {
  await using langsmith = await startLangSmith({ behaviour: 'failing' });
  const noise = [
    t.mock.method(console, 'warn', () => undefined),
    t.mock.method(console, 'error', () => undefined),
  ];
  const { log, lines } = recordingLog();
  const trace = traceTo(langsmith.url, log);

  traceJob(trace);
  await trace.flush(10_000);
  traceJob(trace);
  await trace.flush(10_000);

  assert.deepEqual(lines, [
    {
      level: 'warn',
      fields: { error: '500 {"detail":"Internal Server Error"}' },
      message: 'traces do not reach LangSmith and are dropped',
    },
  ]);
  assert.deepEqual(
    noise.map(({ mock }) => mock.callCount()),
    [0, 0],
  );
});

test('with a dead service no call waits, and flush gives up after its time', async (t) => {
  await using langsmith = await startLangSmith({ behaviour: 'dead' });
  const noise = [
    t.mock.method(console, 'warn', () => undefined),
    t.mock.method(console, 'error', () => undefined),
  ];
  const trace = traceTo(langsmith.url);
  const start = performance.now();

  traceJob(trace);
  const tracedMs = performance.now() - start;
  await trace.flush(200);
  const flushedMs = performance.now() - start;

  assert.ok(tracedMs < 100, `${tracedMs} ms`);
  assert.ok(flushedMs < 500, `${flushedMs} ms`);
  assert.deepEqual(
    noise.map(({ mock }) => mock.callCount()),
    [0, 0],
  );
});

test('after a flush that gave up, the process ends by itself', async () => {
  await using dead = await startLangSmith({ behaviour: 'dead' });
  const program = `
    import { createTrace } from ${JSON.stringify(import.meta.resolve('../../../server/langsmith/trace.ts'))};
    const log = { info() {}, warn() {}, error() {} };
    const options = { apiKey: 'lsv2_test', endpoint: ${JSON.stringify(dead.url)}, project: 'p', redact: (s) => s, log };
    const trace = createTrace(options);
    trace.start({ id: 'job-1', metadata: {} }, {}).child('tool', 'bash', {}).end();
    await trace.flush(200);
  `;
  const start = performance.now();
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'inherit' });
  const [exitCode] = await once(child, 'exit');
  const tookMs = performance.now() - start;

  assert.equal(exitCode, 0);
  assert.ok(tookMs < 4_000, `${tookMs} ms`);
});

test('after a flush that gave up, a service that is back gets the next job', async () => {
  let back = false;
  const posted: unknown[] = [];
  await using server = await startServer((req, res) => {
    if (!back) return;
    if (req.method === 'POST') posted.push(req.url);
    res.setHeader('content-type', 'application/json').end('{}');
  });
  const { log, lines } = recordingLog();
  const trace = traceTo(server.url, log);

  traceJob(trace);
  await trace.flush(200);
  back = true;
  traceJob(trace);
  await trace.flush(5_000);

  assert.deepEqual([posted, lines], [['/runs/multipart'], []]);
});

test('a run has a URL once LangSmith has said where the project is', async () => {
  const projectId = '3f1c9c1e-6f0b-4c3d-9d51-0f3c1e5a7b11';
  const tenantId = '8a7b6c5d-4e3f-4a1b-8c9d-0e1f2a3b4c5d';
  const asked: unknown[] = [];
  await using server = await startServer((req, res) => {
    if (req.url?.startsWith('/sessions')) asked.push([req.url, req.headers['x-api-key']]);
    const sessions = [{ id: projectId, tenant_id: tenantId }];
    res.setHeader('content-type', 'application/json').end(JSON.stringify(sessions));
  });
  const trace = traceTo(`${server.url}/`);

  const span = trace.start(job, {});
  const before = span.url;
  for (let waitedMs = 0; span.url === undefined && waitedMs < 2_000; waitedMs += 10) await sleep(10);
  await trace.flush(1_000);

  assert.equal(before, undefined);
  assert.match(
    span.url ?? '',
    new RegExp(`^http://localhost:3000/o/${tenantId}/projects/p/${projectId}/r/[0-9a-f-]{36}\\?poll=true$`),
  );
  trace.start(job, {});
  await trace.flush(1_000);
  assert.deepEqual(asked, [['/sessions?name=backspace&limit=1', apiKey]]);
});

const startServer = async (listener: RequestListener) => {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
