import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { jobEventSchema } from '../../server/domain/job-event.ts';
import { requireDocker } from '../support/docker.ts';
import { startFarEnds } from '../support/far-ends.ts';
import type { ForgeRepository } from '../support/forge/forge.ts';
import { eventsOf, type StreamedEvent } from '../support/job-stream.ts';
import type { CapturedRun } from '../support/langsmith/captured-runs.ts';
import { type LangSmithOptions, startLangSmith } from '../support/langsmith/server.ts';
import { probeDemoApi } from '../support/probe-demo-api.ts';
import { addValidation, addValidationPrompt } from '../support/scenarios/add-validation.ts';
import { startServerProcess } from '../support/server-process.ts';
import { quick, quickPrompt, startSystem } from '../support/system.ts';

const langSmithKey = 'lsv2_pt_0123456789abcdef';
const run = promisify(execFile);

test('the main job: one curl in, the steps as they happen, one pull request that does what was asked', async () => {
  await requireDocker();
  await using langSmith = await startLangSmith();
  await using farEnds = await startFarEnds([addValidation]);
  const { forge, settings } = farEnds;
  const directory = path.resolve(import.meta.dirname, '../support/demo-repository');
  const repository = await forge.createRepository('acme/page-turners', { directory });
  const base = await repository.git('rev-parse', 'main');
  await using server = await startServerProcess({
    ...settings,
    LANGSMITH_API_KEY: langSmithKey,
    LANGSMITH_ENDPOINT: langSmith.url,
  });

  const repoUrl = `${forge.url}/${repository.fullName}`;
  const { events, firstByteMs } = await curl(server.url, { repoUrl, prompt: addValidationPrompt });
  assert.ok(firstByteMs < 1_000, `the first byte came after ${firstByteMs} ms`);

  assertWellFormed(events);
  const [first, started] = events;
  assert(first?.type === 'Job: Queued');
  const { jobId } = first;
  assert.deepEqual(first, {
    ...{ id: 1, type: 'Job: Queued', jobId, at: first.at },
    url: `${server.url}/jobs/${jobId}`,
    repoUrl,
    prompt: addValidationPrompt,
  });
  assert.partialDeepStrictEqual(started, { type: 'Job: Started', jobId });
  assertOrder(events);
  assertClone(events, base);
  assertTools(events);

  const branch = `backspace/${jobId}`;
  const commit = await repository.git('rev-parse', `refs/heads/${branch}`);
  const [pullRequest, ...others] = forge.pullRequests(repository.fullName);
  assert(pullRequest);
  assert.deepEqual(others, []);
  assert.partialDeepStrictEqual(pullRequest, {
    title: 'Validate the bodies of all POST endpoints',
    head: branch,
    base: 'main',
    headSha: commit,
    state: 'open',
    draft: false,
  });
  const body = pullRequest.body ?? '';
  assert.match(body, /^Bad requests used to end in a `500`/);
  const tree = await repository.git('rev-parse', `${commit}^{tree}`);
  assertChecks(body, tree);
  assert.match(
    body,
    /\n\n<details><summary>The \d+ commands that the agent ran itself<\/summary>\n\n[^\n]*they prove nothing\.\n\n- exit code 0: `npm test`\n/,
  );
  assert.match(body, /\n- exit code 1: `npm test`\n/);
  assert.ok(
    body.includes(
      `\n\n## Request\n\n> ${addValidationPrompt}\n\n---\nMade by Tiny Backspace, job \`${jobId}\` · model `,
    ),
    body.slice(-400),
  );
  assert.match(body, /` · 12 turns · cost [^\n]* · 0 requests to other hosts refused · 0 paths left out$/);

  const result = events.at(-1);
  assert.partialDeepStrictEqual(result, {
    type: 'Result',
    status: 'succeeded',
    prUrl: pullRequest.htmlUrl,
    filesChanged: 8,
    leftOut: [],
    usage: { turns: 12 },
    saved: { branch, commit, prUrl: pullRequest.htmlUrl },
  });
  const asked = await (await fetch(`${server.url}/jobs/${jobId}`)).json();
  assert.partialDeepStrictEqual(asked, { id: jobId, state: 'succeeded', lastEvent: { type: 'Result' } });
  const again = await fetch(`${server.url}/jobs/${jobId}/events`);
  assert.deepEqual(await Array.fromAsync(eventsOf(again)), events);
  assert.deepEqual(forge.violations, []);

  await assertPullRequestWorks(repository, branch);

  assert.deepEqual(await server.stop(), { exitCode: 0, signal: null });
  assertTraced(langSmith.runs(), jobId, events);
});

for (const behaviour of ['dead', 'failing'] as const satisfies LangSmithOptions['behaviour'][]) {
  test(`with a LangSmith that is ${behaviour} the job is the same, and SIGTERM ends the server within seconds`, async () => {
    await using langSmith = await startLangSmith({ behaviour });
    await using system = await startSystem({
      scenarios: [quick],
      settings: { LANGSMITH_API_KEY: langSmithKey, LANGSMITH_ENDPOINT: langSmith.url },
    });
    const job = await system.start(quickPrompt);
    assert.partialDeepStrictEqual(await job.end(), { type: 'Result', status: 'succeeded' });
    assert.equal(system.forge.pullRequests(system.repository.fullName).length, 1);
    assert.ok(langSmith.requests.length > 0);
    const started = performance.now();
    assert.deepEqual(await system.server.stop(), { exitCode: 0, signal: null });
    assert.ok(performance.now() - started < 10_000, 'it ended within seconds');
  });
}

/** As in the README: the events, and the time until the first byte of the answer. */
const curl = async (
  server: string,
  body: object,
): Promise<{ events: StreamedEvent[]; firstByteMs: number }> => {
  const words = ['-sN', `${server}/code`, '-H', 'content-type: application/json', '-d', JSON.stringify(body)];
  const started = performance.now();
  const child = spawn('curl', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const firstByte = once(child.stdout, 'readable').then(() => performance.now() - started);
  const stream = new Response(streamOf(child.stdout, firstByte));
  const events = await Array.fromAsync(eventsOf(stream));
  assert.deepEqual(await exited, [0, null]);
  return { events, firstByteMs: await firstByte };
};

const streamOf = (stdout: AsyncIterable<Buffer>, ready: Promise<unknown>): ReadableStream<Uint8Array> =>
  ReadableStream.from(
    (async function* () {
      await ready;
      yield* stdout;
    })(),
  );

/** Numbered from 1 without a gap, each as the schema has it, times in order, and one terminal event, the last. */
const assertWellFormed = (events: readonly StreamedEvent[]): void => {
  assert.deepEqual(
    events.map(({ id }) => id),
    events.map((_, index) => index + 1),
  );
  for (const { id: _, at, ...fact } of events) {
    assert.deepEqual(jobEventSchema.parse(fact), fact);
    assert.equal(new Date(at).toISOString(), at);
  }
  const times = events.map(({ at }) => at);
  assert.deepEqual(times, times.toSorted());
  const terminal = events.filter(({ type }) => type === 'Result' || type === 'Error');
  assert.deepEqual(terminal, events.slice(-1));
};

/** The steps come in their order, whatever happens within each; the base is checked while the agent works. */
const assertOrder = (events: readonly StreamedEvent[]): void => {
  const inOrder = events.filter((event) => !('when' in event && event.when === 'before'));
  const steps = inOrder.map((event) => {
    if (/^(AI |Tool: )/.test(event.type)) return 'agent';
    return 'when' in event ? `${event.type} ${event.when}` : event.type;
  });
  assert.deepEqual(
    steps.filter((step, index) => step !== steps[index - 1]),
    [
      'Job: Queued',
      'Job: Started',
      'Sandbox: Starting',
      'Sandbox: Ready',
      'Git: Clone',
      'Repository: Explored',
      'agent',
      'Check: Started after',
      'Check: Finished after',
      'Check: Started after_with_base_files',
      'Check: Finished after_with_base_files',
      'Git: Branch',
      'Git: Commit',
      'Git: Push',
      'PR: Created',
      'Result',
    ],
  );
};

const assertClone = (events: readonly StreamedEvent[], commit: string): void => {
  const clone = events.filter((event) => event.type === 'Git: Clone');
  assert.partialDeepStrictEqual(clone[0], { phase: 'Starting', percent: 0 });
  assert.partialDeepStrictEqual(clone.at(-1), { phase: 'done', percent: 100, commit, branch: 'main' });
  assert.ok((clone.at(-1)?.bytes ?? 0) > 1_000, 'bytes are counted');
  const ready = events.find((event) => event.type === 'Sandbox: Ready');
  assert.partialDeepStrictEqual(ready, { runtime: 'runsc-backspace', kernel: '4.4.0' });
};

/** Every kind of tool was at work in the real sandbox, and the first change of all broke a test. */
const assertTools = (events: readonly StreamedEvent[]): void => {
  const kinds = new Set(events.map(({ type }) => type));
  for (const kind of [
    'AI Thinking',
    'AI Message',
    'AI Plan',
    'Tool: List',
    'Tool: Read',
    'Tool: Search',
    'Tool: Edit',
    'Tool: Write',
  ] as const) {
    assert.ok(kinds.has(kind), kind);
  }
  const tests = events.filter((event) => event.type === 'Tool: Bash' && event.command === 'npm test');
  assert.deepEqual(
    tests.map((event) => event.type === 'Tool: Bash' && event.exitCode),
    [0, 1, 0, 0, 0],
  );
};

/** What the server found, of the very tree that is in the pull request; nothing else is to be told. */
const assertChecks = (body: string, tree: string): void => {
  const [, afterHeading = ''] = body.split('\n## Checks\n\n');
  const [found = ''] = afterHeading.split('\n\n<details>');
  assert.equal(
    found.replaceAll(/\b\d+(?:\.\d)? s\b/g, 'some s'),
    `The server itself ran what the base commit’s manifests show, in fresh sandboxes where the agent has never been: at the base commit, and there with exactly this change.

| Check | Result | Base | This change | With base’s definitions |
| --- | --- | --- | --- | --- |
| \`npm test\` | passed before and after | exit code 0, some s | exit code 0, some s | exit code 0, some s |

This change touches what defines the checks, so they ran a second time with base’s versions of these files (the last column):

- \`tests/validation.test.js\`

Checked tree: \`${tree}\`, that of this pull request’s commit, in the image \`default\` without any setup. A check runs the code that it checks: hostile code can still lie about itself.`,
  );
  assert.doesNotMatch(body, /\n## Noticed by the server\n/);
};

/** What a reviewer would do: check the branch out, run the tests, and try the API. */
const assertPullRequestWorks = async (repository: ForgeRepository, branch: string): Promise<void> => {
  const checkout = await mkdtemp(path.join(os.tmpdir(), 'main-job-'));
  try {
    await run('git', ['clone', '--quiet', '--branch', branch, repository.directory, checkout]);
    const { good, bad, problems } = await probeDemoApi(checkout);
    assert.deepEqual(problems, []);
    assert.ok(good.length > 3 && bad.length > 20);
    // With this variable of our own test runner, `node --test` would run nothing and call it a success.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout } = await run('npm', ['test'], { cwd: checkout, env });
    assert.match(stdout, /(?:#|ℹ) pass 28\b[\s\S]*(?:#|ℹ) fail 0\b/);
  } finally {
    await rm(checkout, { recursive: true, force: true });
  }
};

const assertTraced = (
  runs: readonly CapturedRun[],
  jobId: string,
  events: readonly StreamedEvent[],
): void => {
  const [root, ...otherRoots] = runs.filter(({ parent_run_id: parent }) => parent === null);
  assert(root);
  assert.deepEqual(otherRoots, []);
  assert.partialDeepStrictEqual(root, { name: 'job', run_type: 'chain', error: null });
  for (const { name, end_time: end, error, extra, trace_id: trace } of runs) {
    assert.ok(end !== null, `${name} has ended`);
    assert.deepEqual([name, extra?.metadata?.thread_id, trace], [name, jobId, root.id]);
    // The one failing test run is a result for the model, not an error of the tool.
    assert.equal(error, null, `${name}`);
  }
  const below = (parent: CapturedRun | undefined) =>
    runs
      .filter(({ parent_run_id: id }) => id === parent?.id)
      .toSorted((a, b) => String(a.dotted_order).localeCompare(String(b.dotted_order)));
  const steps = below(root);
  assert.deepEqual(
    steps.map(({ run_type: type, name }) => `${type} ${name}`),
    [
      ...['resolve', 'sandbox', 'clone', 'base', 'explore', 'checks before', 'agent', 'changeset'],
      ...['verify', 'publish'],
    ].map((name) => `chain ${name}`),
  );
  const agent = below(steps.find(({ name }) => name === 'agent'));
  const turns = agent.filter(({ run_type: type }) => type === 'llm');
  const last = events.at(-1);
  assert(last?.type === 'Result');
  assert.equal(turns.length, last.usage.turns);
  const tokens = turns.map(({ outputs }) => outputs?.usage_metadata as Record<string, number>);
  assert.deepEqual(
    [sum(tokens, 'input_tokens'), sum(tokens, 'output_tokens')],
    [last.usage.inputTokens, last.usage.outputTokens],
  );
  const called = events.filter(
    ({ type }) => (type.startsWith('Tool: ') && type !== 'Tool: Output') || type === 'AI Plan',
  );
  assert.equal(agent.filter(({ run_type: type }) => type === 'tool').length, called.length);
};

const sum = (records: readonly Record<string, number>[], name: string): number =>
  records.reduce((total, record) => total + (record[name] ?? 0), 0);
