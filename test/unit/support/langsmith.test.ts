import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, RunTree } from 'langsmith';
import { traceable } from 'langsmith/traceable';
import type { CapturedRun } from '../../support/langsmith/captured-runs.ts';
import { type LangSmith, type LangSmithOptions, startLangSmith } from '../../support/langsmith/server.ts';

const apiKey = 'lsv2_local_key';

const clientOf = (langsmith: LangSmith) =>
  new Client({ apiUrl: langsmith.url, apiKey, timeout_ms: 5_000, callerOptions: { maxRetries: 0 } });

/** A job as the server will trace it: root → step → model call → tool call, which fails. */
const traceJob = async (client: Client) => {
  const metadata = { thread_id: 'job-1' };
  const root = new RunTree({
    name: 'job',
    run_type: 'chain',
    client,
    project_name: 'backspace',
    tracingEnabled: true,
    inputs: { prompt: 'Make the greeting friendlier.' },
    tags: ['test'],
    metadata,
  });
  await root.postRun();
  const step = root.createChild({ name: 'agent', run_type: 'chain', metadata });
  await step.postRun();
  const callModel = traceable(async (_parent: RunTree, prompt: string) => ({ said: `Reply to ${prompt}` }), {
    name: 'claude',
    run_type: 'llm',
    metadata,
  });
  await callModel(step, 'hello');
  const tool = step.createChild({
    name: 'bash',
    run_type: 'tool',
    inputs: { command: 'npm test' },
    metadata,
  });
  await tool.postRun();
  await tool.end(undefined, 'exit code 1');
  await tool.patchRun();
  await step.end({ turns: 1 });
  await step.patchRun();
  await root.end({ pullRequest: 7 });
  await root.patchRun();
};

const isDone = (runs: CapturedRun[]) => runs.length === 4 && runs.every((run) => run.end_time !== null);

const variants: { options: LangSmithOptions; path: string; encoding: string }[] = [
  { options: {}, path: '/runs/multipart', encoding: 'zstd' },
  { options: { encoding: 'gzip' }, path: '/runs/multipart', encoding: 'gzip' },
  { options: { encoding: 'identity' }, path: '/runs/multipart', encoding: '' },
  { options: { endpoint: 'batch' }, path: '/runs/batch', encoding: '' },
];

for (const { options, path, encoding } of variants) {
  test(`the runs of a job arrive over ${path}, encoding '${encoding}'`, async () => {
    await using langsmith = await startLangSmith(options);
    const client = clientOf(langsmith);
    await traceJob(client);
    await client.awaitPendingTraceBatches();
    const runs = await langsmith.waitForRuns(isDone, 5_000);

    const ids = new Map(runs.map((run) => [run.id, run.name]));
    assert.deepEqual(
      runs.map(({ name, run_type, parent_run_id, trace_id, inputs, outputs, error, tags, session_name }) => ({
        name,
        run_type,
        parent: ids.get(parent_run_id ?? ''),
        trace: ids.get(trace_id ?? ''),
        inputs,
        outputs,
        error,
        tags,
        project: session_name,
      })),
      [
        {
          ...{ name: 'job', run_type: 'chain', parent: undefined, trace: 'job', error: null, tags: ['test'] },
          ...{
            inputs: { prompt: 'Make the greeting friendlier.' },
            outputs: { pullRequest: 7 },
            project: 'backspace',
          },
        },
        {
          ...{ name: 'agent', run_type: 'chain', parent: 'job', trace: 'job', error: null, tags: null },
          ...{ inputs: {}, outputs: { turns: 1 }, project: 'backspace' },
        },
        {
          ...{ name: 'claude', run_type: 'llm', parent: 'agent', trace: 'job', error: null, tags: [] },
          ...{ inputs: { input: 'hello' }, outputs: { said: 'Reply to hello' }, project: 'backspace' },
        },
        {
          ...{
            name: 'bash',
            run_type: 'tool',
            parent: 'agent',
            trace: 'job',
            error: 'exit code 1',
            tags: null,
          },
          ...{ inputs: { command: 'npm test' }, outputs: null, project: 'backspace' },
        },
      ],
    );
    for (const { extra, start_time: start, end_time: end } of runs) {
      assert.equal(extra?.metadata?.thread_id, 'job-1');
      assert.ok(start !== null && end !== null && new Date(start) <= new Date(end));
    }
    assert.ok(langsmith.requests.some((request) => request.path === path && request.encoding === encoding));
    assert.match(langsmith.raw, /Make the greeting friendlier\./);
    assert.ok(!langsmith.raw.includes(apiKey));
  });
}

test('a traced function that throws ends its run with the error', async () => {
  await using langsmith = await startLangSmith();
  const client = clientOf(langsmith);
  const root = new RunTree({ name: 'job', client, tracingEnabled: true });
  await root.postRun();
  const broken = traceable(
    async (_parent: RunTree) => {
      throw new Error('overloaded');
    },
    { name: 'claude', run_type: 'llm' },
  );
  await assert.rejects(broken(root), /overloaded/);
  await client.awaitPendingTraceBatches();
  const runs = await langsmith.waitForRuns((all) => all.some(({ error }) => error !== null), 5_000);
  assert.deepEqual(
    runs.map(({ name, error, end_time: end }) => ({
      name,
      error: error?.split('\n')[0],
      open: end === null,
    })),
    [
      { name: 'job', error: undefined, open: true },
      { name: 'claude', error: 'Error: overloaded', open: false },
    ],
  );
});

test('runs that are sent one by one are put together all the same', async () => {
  await using langsmith = await startLangSmith();
  const client = new Client({ apiUrl: langsmith.url, apiKey, autoBatchTracing: false });
  const root = new RunTree({ name: 'job', client, tracingEnabled: true, inputs: { prompt: 'x' } });
  await root.postRun();
  await root.end({ ok: true });
  await root.patchRun();
  const [run] = await langsmith.waitForRuns(
    ([first]) => first?.end_time !== null && first !== undefined,
    5_000,
  );
  assert.deepEqual(
    { id: run?.id, inputs: run?.inputs, outputs: run?.outputs },
    { id: root.id, inputs: { prompt: 'x' }, outputs: { ok: true } },
  );
});

test('a failing server answers 500 to all of it, keeps the text and shows no runs', async (t) => {
  t.mock.method(console, 'warn', () => undefined);
  await using langsmith = await startLangSmith({ behaviour: 'failing' });
  // The client asks for /info again and again, for a minute, whatever its callerOptions say; this ends it.
  const stop = new AbortController();
  const client = new Client({
    apiUrl: langsmith.url,
    apiKey,
    fetchImplementation: (url, init) =>
      stop.signal.aborted ? Promise.reject(new Error('Cancelled')) : fetch(url, init),
  });
  await new RunTree({ name: 'job', client, tracingEnabled: true }).postRun();
  const body = JSON.stringify({ post: [{ id: 'a', inputs: 'canary-1' }] });
  const answer = await fetch(`${langsmith.url}/runs/batch`, { method: 'POST', body });
  stop.abort();
  await client.awaitPendingTraceBatches();
  assert.equal(answer.status, 500);
  assert.deepEqual(langsmith.requests.map(({ path }) => path).sort(), ['/info', '/runs/batch']);
  assert.deepEqual(langsmith.runs(), []);
  assert.match(langsmith.raw, /canary-1/);
});

test('a dead server takes what is sent, never answers, and can be stopped', async () => {
  const langsmith = await startLangSmith({ behaviour: 'dead' });
  const body = JSON.stringify({ post: [{ id: 'a', inputs: 'canary-2' }] });
  const answer = fetch(`${langsmith.url}/runs/batch`, { method: 'POST', body }).catch(
    (error: unknown) => error,
  );
  const first = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 200, 'silence'))]);
  assert.equal(first, 'silence');
  assert.match(langsmith.raw, /canary-2/);
  assert.deepEqual(langsmith.runs(), []);
  await langsmith[Symbol.asyncDispose]();
  assert.ok((await answer) instanceof TypeError);
});

test('waiting for runs that do not come ends with what was seen', async () => {
  const langsmith = await startLangSmith();
  const client = clientOf(langsmith);
  await new RunTree({ name: 'job', client, tracingEnabled: true }).postRun();
  await client.awaitPendingTraceBatches();
  await assert.rejects(langsmith.waitForRuns(isDone, 50), /had not come after 50 ms; seen: job \(open\)/);
  const waiting = assert.rejects(langsmith.waitForRuns(isDone, 5_000), /when the server stopped/);
  await langsmith[Symbol.asyncDispose]();
  await waiting;
});

test('what cannot be read is refused', async () => {
  await using langsmith = await startLangSmith();
  const post = (path: string, headers: Record<string, string>, body: string) =>
    fetch(`${langsmith.url}${path}`, { method: 'POST', headers, body }).then(({ status }) => status);
  assert.deepEqual(
    [
      await post('/runs/batch', {}, '{'),
      await post('/runs/batch', { 'content-encoding': 'gzip' }, 'no gzip'),
      await post('/runs/multipart', { 'content-encoding': 'br' }, ''),
      await post('/sessions', {}, '{}'),
    ],
    [422, 422, 422, 404],
  );
});
