import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, Interceptor } from '../support/forge/faults.ts';
import { eventsOf, postJob, type StreamedEvent } from '../support/job-stream.ts';
import { call, type Fault as ModelFault, type Scenario, say } from '../support/model/scenario.ts';
import {
  longCommand,
  longCommandPrompt,
  neverEnding,
  neverEndingPrompt,
} from '../support/scenarios/never-ending.ts';
import { quick, quickPrompt, type StartedJob, type System, startSystem } from '../support/system.ts';

const { turns } = quick;
const typesOf = (events: readonly StreamedEvent[]): string[] => events.map(({ type }) => type);

/** The quick job on a model that does this before its first reply. */
const faulty = (...faults: ModelFault[]): Scenario => ({
  ...quick,
  turns: [{ reply: [], ...turns[0], faults }, ...turns.slice(1)],
});

/** Strikes once, at the first request that fits, and tells when. */
const onceAt = (method: string, path: RegExp, fault: Fault) => {
  const { promise: struck, resolve } = Promise.withResolvers<void>();
  let isOver = false;
  const interceptor: Interceptor = (request) => {
    if (isOver || request.method !== method || !path.test(request.path)) return undefined;
    isOver = true;
    resolve();
    return fault;
  };
  return { interceptor, struck };
};

const assertCancelled = (last: StreamedEvent): void => {
  assert.partialDeepStrictEqual(last, {
    type: 'Result',
    status: 'cancelled',
    prUrl: null,
    summary: 'The job was cancelled.',
    filesChanged: 0,
    additions: null,
    deletions: null,
  });
};

const assertNoPullRequest = (system: System): void => {
  assert.deepEqual(system.forge.pullRequests(system.repository.fullName), []);
};

test('two jobs run at once, the third waits its turn, the fourth is refused; cancel frees a place', async () => {
  const settings = { JOBS_RUNNING_MAX: '2', JOBS_QUEUED_MAX: '1' };
  await using system = await startSystem({ scenarios: [longCommand, quick], settings });
  // One that was not taken up yet would wait, and fill the queue.
  const first = await system.start(longCommandPrompt);
  await first.until('AI Message');
  const second = await system.start(longCommandPrompt);
  await second.until('AI Message');
  const third = await system.start(quickPrompt);

  const refused = await postJob(system.server.url, { repoUrl: system.repoUrl, prompt: quickPrompt });
  assert.deepEqual(
    { status: refused.status, retry: refused.headers.get('retry-after'), body: await refused.json() },
    {
      status: 503,
      retry: '30',
      body: {
        type: 'about:blank',
        title: 'Service Unavailable',
        status: 503,
        detail: '1 jobs wait already: no more are taken now.',
        code: 'queue_full',
        whatToDo: 'Try again when jobs have ended.',
      },
    },
  );

  // While it waits it has neither an event nor a container.
  await sleep(500);
  const asked = await fetch(`${system.server.url}/jobs/${third.id}`);
  assert.partialDeepStrictEqual(await asked.json(), { state: 'queued', lastEvent: { type: 'Job: Queued' } });
  assert.deepEqual(await system.containers(third), []);
  assert.equal((await system.containers(first)).length, 1);

  assert.equal((await system.cancel(first)).status, 202);
  assertCancelled(await first.end());
  // Its end is told only when its command, and all else of it, is gone.
  assert.deepEqual(await system.containers(first), []);
  assert.partialDeepStrictEqual(await third.end(), { type: 'Result', status: 'succeeded' });

  const fourth = await system.start(longCommandPrompt);
  await fourth.until('AI Message');
  const fifth = await system.start(quickPrompt);
  assert.equal((await system.cancel(fifth)).status, 202);
  assertCancelled(await fifth.end());
  assert.deepEqual(typesOf(fifth.events), ['Job: Queued', 'Result']);
  assert.equal((await system.cancel(fifth)).status, 202);

  await system.cancel(second);
  await system.cancel(fourth);
  assertCancelled(await second.end());
  assertCancelled(await fourth.end());
  assert.deepEqual(
    system.forge.pullRequests(system.repository.fullName).map(({ head }) => head),
    [`backspace/${third.id}`],
  );
});

test('a job can be cancelled while its sandbox starts and while the model speaks', async () => {
  await using system = await startSystem({ scenarios: [faulty({ hangAfterEvents: 4 })] });
  const early = await system.start(quickPrompt);
  await early.until('Sandbox: Starting');
  await system.cancel(early);
  assertCancelled(await early.end());
  assert.deepEqual(await system.containers(early), []);

  const late = await system.start(quickPrompt);
  await late.until('Git: Clone');
  while (system.model.requests.length === 0) await sleep(20);
  await system.cancel(late);
  assertCancelled(await late.end());
  assert.deepEqual(await system.containers(late), []);
  assertNoPullRequest(system);
});

for (const [what, method, path] of [
  ['the branch is made', 'POST', /\/git\/refs$/],
  ['the push begins', 'GET', /\/info\/refs$/],
  ['the commit is pushed', 'POST', /\/git-receive-pack$/],
  ['a pull request is looked for', 'GET', /\/pulls$/],
] as const) {
  test(`a job that is cancelled while ${what} never opens a pull request`, async () => {
    await using system = await startSystem({ scenarios: [quick] });
    const job = await system.start(quickPrompt);
    // Only now: the clone asks for /info/refs, too.
    await job.until('AI Message');
    const { interceptor, struck } = onceAt(method, path, { delayMs: 700 });
    system.forge.intercept(interceptor);
    await struck;
    await system.cancel(job);
    assertCancelled(await job.end());
    assert.deepEqual(await system.containers(job), []);
    // Time enough for whatever was under way.
    await sleep(900);
    assertNoPullRequest(system);
    const branches = await system.repository.git(
      'for-each-ref',
      '--format=%(refname)',
      'refs/heads/backspace',
    );
    assert.equal(branches, '');
    assert.deepEqual(system.forge.violations, []);
  });
}

for (const [what, fault] of [
  ['', { delayMs: 500 }],
  [', even if its answer is lost', { afterwards: 'drop' }],
] as const) {
  test(`a pull request that was asked for when the cancel came is not hidden${what}`, async () => {
    await using system = await startSystem({ scenarios: [quick] });
    const { interceptor, struck } = onceAt('POST', /\/pulls$/, fault);
    const look = onceAt('GET', /\/pulls$/, { delayMs: 500 });
    let asked = false;
    system.forge.intercept((request) => {
      if (asked) return look.interceptor(request);
      const found = interceptor(request);
      asked = found !== undefined;
      return found;
    });
    const job = await system.start(quickPrompt);
    await struck;
    await system.cancel(job);
    const last = await job.end();
    const [pullRequest] = system.forge.pullRequests(system.repository.fullName);
    assert.partialDeepStrictEqual(last, {
      type: 'Result',
      status: 'succeeded',
      prUrl: pullRequest?.htmlUrl ?? 'one',
    });
  });
}

/** Nothing that the server did not foresee: a warning. */
const jobFailed = /"level":"warn".*"job failed"/;

for (const { what, scenario, prompt, settings, error, logged = jobFailed } of [
  {
    what: 'a model that never comes to an end meets the turn limit',
    scenario: neverEnding,
    prompt: neverEndingPrompt,
    settings: { AGENT_TURNS_MAX: '3' },
    error: { code: 'turn_limit', usage: { turns: 3 } },
  },
  {
    what: 'a model that reads too much meets the token limit',
    scenario: neverEnding,
    prompt: neverEndingPrompt,
    settings: { JOB_TOKENS_MAX: '1000' },
    error: { code: 'token_limit', usage: { turns: 1 } },
  },
  {
    what: 'a wrong model key is said to be wrong',
    scenario: quick,
    prompt: quickPrompt,
    settings: { ANTHROPIC_API_KEY: 'sk-ant-not-the-right-key' },
    error: { code: 'model_credentials', whatToDo: 'Set a valid ANTHROPIC_API_KEY on the server.' },
  },
  {
    what: 'a model that is overloaded for good fails the job after some attempts',
    scenario: faulty(...Array.from({ length: 9 }, () => ({ status: 529 }))),
    prompt: quickPrompt,
    settings: { MODEL_RETRIES_MAX: '1' },
    error: { code: 'model_failed' },
    logged: /"level":"warn".*"attempt":1.*"the model did not answer; trying again"/,
  },
  {
    what: 'a model that refuses is quoted',
    scenario: { ...quick, turns: [{ reply: [say('I would rather not.')], stopReason: 'refusal' as const }] },
    prompt: quickPrompt,
    settings: {},
    error: { code: 'model_refused', message: 'The model refused this job. It said: I would rather not.' },
  },
]) {
  test(what, async () => {
    await using system = await startSystem({ scenarios: [scenario], settings });
    const job = await system.start(prompt);
    assert.partialDeepStrictEqual(await job.end(), { type: 'Error', saved: {}, ...error });
    assert.deepEqual(await system.containers(job), []);
    assertNoPullRequest(system);
    // The log comes by a pipe of its own, which a busy machine reads later.
    for (let waited = 0; waited < 5000 && !logged.test(system.server.log()); waited += 50) await sleep(50);
    assert.match(system.server.log(), logged);
  });
}

for (const { part, settings, failing } of [
  {
    part: 'docker',
    settings: { DOCKER_HOST: 'unix:///nonexistent/docker.sock' },
    failing: ['docker', 'runtime', 'sandbox image'],
  },
  { part: 'runtime', settings: { SANDBOX_RUNTIME: 'no-such-runtime' }, failing: ['runtime'] },
  { part: 'image', settings: { SANDBOX_IMAGE: 'tiny-backspace/no-such:image' }, failing: ['sandbox image'] },
]) {
  test(`without its ${part} the server is not ready, says why, and takes no job`, async () => {
    await using system = await startSystem({ scenarios: [quick], settings });
    const ready = await fetch(`${system.server.url}/readyz`);
    const report = (await ready.json()) as { ready: boolean; checks: { name: string; ok: boolean }[] };
    assert.deepEqual(
      {
        status: ready.status,
        ready: report.ready,
        failing: report.checks.filter(({ ok }) => !ok).map(({ name }) => name),
      },
      { status: 503, ready: false, failing: [...failing, 'examination'] },
    );
    const refused = await postJob(system.server.url, { repoUrl: system.repoUrl, prompt: quickPrompt });
    assert.equal(refused.status, 503);
    const problem = (await refused.json()) as { detail: string };
    assert.partialDeepStrictEqual(problem, {
      code: 'sandbox_unavailable',
      whatToDo: 'Run «npm run doctor» on the server: it says how to mend each.',
    });
    for (const name of failing) assert.match(problem.detail, new RegExp(`${name} \\(`));
    assert.equal((await fetch(`${system.server.url}/healthz`)).status, 200);
  });
}

test('readers that go away at any point change nothing, and come back without gap or repeat', async () => {
  const scenario: Scenario = {
    ...quick,
    turns: [...neverEnding.turns.slice(0, 6), ...turns],
  };
  await using system = await startSystem({ scenarios: [scenario], msPerEvent: 30 });
  const { server, repoUrl } = system;
  const body = { repoUrl, prompt: quickPrompt };
  const read: StreamedEvent[] = [];
  /** Reads so many events, or none at all, and breaks the connection; false when the stream has ended. */
  const readSome = async (open: (signal: AbortSignal) => Promise<Response>, count: number) => {
    const connection = new AbortController();
    const response = await open(connection.signal);
    if (response.status === 204) return false;
    assert.equal(response.status, 200);
    for await (const event of count > 0 ? eventsOf(response) : []) {
      read.push(event);
      if (--count <= 0) break;
    }
    connection.abort();
    return true;
  };
  const stream = (path: string, headers: Record<string, string>) => (signal: AbortSignal) =>
    fetch(server.url + path, { headers, signal });

  await readSome((signal) => postJob(server.url, body, { signal }), 1);
  const id = read[0]?.type === 'Job: Queued' ? read[0].jobId : assert.fail();
  let connections = 1;
  for (; connections < 200; connections++) {
    const cursor = { 'last-event-id': String(read.at(-1)?.id) };
    if (!(await readSome(stream(`/jobs/${id}/events`, cursor), Math.floor(Math.random() * 3)))) break;
    await sleep(Math.random() * 60);
  }
  assert.ok(connections > 10, `only ${connections} connections`);

  const whole = await Array.fromAsync(eventsOf(await fetch(`${server.url}/jobs/${id}/events`)));
  assert.deepEqual(read, whole);
  assert.deepEqual(
    whole.map((event) => event.id),
    whole.map((_, index) => index + 1),
  );
  assert.partialDeepStrictEqual(whole.at(-1), { type: 'Result', status: 'succeeded' });
  assert.equal(system.forge.pullRequests(system.repository.fullName).length, 1);
  assert.doesNotMatch(server.log(), /"level":"error"/);
});

test('at SIGTERM running and waiting jobs are handed over, the server exits with 0, and the next one goes on', async () => {
  const settings = {
    JOBS_RUNNING_MAX: '1',
    STOP_GRACE_SECONDS: '0',
    SERVER_ID: `test-endings-${process.pid}`,
  };
  await using system = await startSystem({ scenarios: [longCommand, quick], settings });
  const job = await system.start(longCommandPrompt);
  await job.until('AI Message');
  const waiting = await system.start(quickPrompt);
  const started = performance.now();
  assert.deepEqual(await system.server.stop('SIGTERM'), { exitCode: 0, signal: null });
  assert.ok(performance.now() - started < 15_000);
  assert.equal((await system.containers(job)).length, 1);
  assertNoPullRequest(system);

  await system.restart('SIGTERM');
  const follow = async ({ id }: StartedJob) =>
    eventsOf(await fetch(`${system.server.url}/jobs/${id}/events`));
  const resumed: StreamedEvent[] = [];
  for await (const event of await follow(job)) {
    resumed.push(event);
    if (event.type === 'Tool: Bash') await system.cancel(job);
  }
  const types = resumed.map(({ type }) => type);
  const from = types.indexOf('Job: Resumed');
  assert.deepEqual(types.slice(from, from + 3), ['Job: Resumed', 'Sandbox: Kept', 'Tool: Bash']);
  assert.partialDeepStrictEqual(resumed.at(-1), { type: 'Result', status: 'cancelled' });
  assert.deepEqual(
    resumed.map(({ id }) => id),
    resumed.map((_, index) => index + 1),
  );
  const other = await Array.fromAsync(await follow(waiting));
  assert.partialDeepStrictEqual(other.at(-1), { type: 'Result', status: 'succeeded' });
});

test('what a turn has changed by the time of a SIGTERM is saved, so that whoever goes on elsewhere has it', async () => {
  const prompt = 'Write, and then wait';
  const writing: Scenario = {
    name: 'writing',
    when: prompt,
    turns: [{ reply: [say('I write.'), call('bash', { command: 'echo kept >kept.txt; sleep 300' })] }],
  };
  const settings = { STOP_GRACE_SECONDS: '0', SERVER_ID: `test-saved-${process.pid}` };
  await using system = await startSystem({ scenarios: [writing], settings });
  const job = await system.start(prompt);
  await job.until('AI Message');
  await sleep(1500);
  await system.restart('SIGTERM');
  const patch = await (await fetch(`${system.server.url}/jobs/${job.id}/patch`)).text();
  assert.match(patch, /^\+kept$/m);
  await system.cancel(job);
  await Array.fromAsync(eventsOf(await fetch(`${system.server.url}/jobs/${job.id}/events`)));
});
