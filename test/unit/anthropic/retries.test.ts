import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReplyEvents } from '../../../server/agent/reply-events.ts';
import { createModel, type ModelOptions } from '../../../server/anthropic/model.ts';
import { createWaits } from '../../../server/anthropic/waits.ts';
import { AppError } from '../../../server/domain/errors.ts';
import type { JobFact } from '../../../server/domain/job-event.ts';
import type { ModelDelta, ModelRequest } from '../../../server/domain/model.ts';
import { type Fault, say, think } from '../../support/model/scenario.ts';
import { type Model as ModelServer, startModel } from '../../support/model/server.ts';

const request: ModelRequest = {
  system: 'You change code.',
  tools: [],
  transcript: [{ role: 'user', content: [{ type: 'text', text: 'Hello.' }] }],
};

const startFaulty = (faults: Fault[]) =>
  startModel({
    scenarios: [
      {
        name: 'hello',
        when: 'Hello',
        turns: [{ reply: [think('A greeting.'), say('Hi.\n\nHow are you?')], faults }],
      },
    ],
  });

const never = new AbortController().signal;

/** Asks as a job does, and gives the facts that the job would tell, and how it ended. */
const ask = async (server: ModelServer, options: Partial<ModelOptions> = {}) => {
  const model = createModel({
    ...{ apiKey: server.apiKey, baseUrl: server.url, model: 'claude-opus-5-5', thinking: true },
    ...{ outputTokensMax: 1_024, requestTimeoutMs: 10_000, idleTimeoutMs: 5_000 },
    ...{ retriesMax: 6, retryMsMax: 10_000, backoffMs: 5 },
    ...options,
  });
  const facts: JobFact[] = [];
  const deltas: ModelDelta[] = [];
  const events = createReplyEvents(async (fact) => void facts.push(fact));
  const onDelta = (delta: ModelDelta) => {
    deltas.push(delta);
    events.onDelta(delta);
  };
  const ended = await model.reply(request, onDelta, never).catch((error: unknown) => error);
  await events.settled();
  return { facts, deltas, ended };
};

/** A wait differs from one time to the next, and so does what the system calls a cut. */
const withoutChance = (facts: JobFact[]) =>
  facts.map((fact) =>
    fact.type === 'Model: Retry'
      ? { ...fact, waitMs: 'some', error: fact.error.replace(/^terminated .*/, 'terminated') }
      : fact,
  );

const waitsIn = (facts: JobFact[]) =>
  facts.flatMap((fact) => (fact.type === 'Model: Retry' ? [fact.waitMs] : []));

const body = (status: number, message: string, error_code?: string): Extract<Fault, { status: number }> => {
  const error = { type: 'some_error', message, ...(error_code && { details: { error_code } }) };
  return { status, body: { type: 'error', error } };
};

const endOf = (ended: unknown) => {
  assert.ok(ended instanceof AppError, String(ended));
  const { code, message, whatToDo, retryAfterSeconds } = ended;
  return { code, message, whatToDo, retryAfterSeconds };
};

test('each retry is an event, in order with what the model says', async () => {
  await using server = await startFaulty([
    { status: 529 },
    { errorEventAfter: 8, type: 'overloaded_error' },
    { cutAfterEvents: 5 },
  ]);

  const { facts } = await ask(server);

  const retry = (attempt: number, error: string) => ({
    type: 'Model: Retry',
    attempt,
    waitMs: 'some',
    error,
  });
  assert.deepEqual(withoutChance(facts), [
    retry(1, '529 Fault 529 of the scenario.'),
    { type: 'AI Thinking', message: 'A greeting.' },
    { type: 'AI Message', message: 'Hi.' },
    retry(2, 'overloaded_error Fault of the scenario.'),
    retry(3, 'terminated'),
    { type: 'AI Message', message: 'How are you?' },
  ]);
});

test('the words of a retry hold no key, nor the half of one where they are cut', async () => {
  const faults: Fault[] = [];
  await using server = await startFaulty(faults);
  const long = 'x'.repeat(479);
  faults.push(body(500, `key ${server.apiKey} is hot`), body(500, `${long} key ${server.apiKey} is hot`));

  const { facts } = await ask(server);

  assert.partialDeepStrictEqual(facts.slice(0, 2), [
    { type: 'Model: Retry', error: '500 key [redacted] is hot' },
    { type: 'Model: Retry', error: `500 ${long} key [redacted] …` },
  ]);
});

for (const [name, headers] of Object.entries({
  'in seconds': { 'retry-after': '0.3' },
  'in milliseconds, which goes before': { 'retry-after-ms': '300', 'retry-after': '9' },
})) {
  test(`a hint ${name} is waited for, and up to a quarter longer`, async () => {
    await using server = await startFaulty([{ status: 429, headers }]);
    const [waitMs = 0] = waitsIn((await ask(server)).facts);
    assert.ok(waitMs >= 300 && waitMs <= 375, `${waitMs} ms`);
  });
}

test('a hint as a date is waited for', async () => {
  const faults: Fault[] = [];
  await using server = await startFaulty(faults);
  faults.push({ status: 503, headers: { 'retry-after': new Date(Date.now() + 2_000).toUTCString() } });
  const [waitMs = 0] = waitsIn((await ask(server)).facts);
  // Such a date knows no fractions of a second.
  assert.ok(waitMs > 800 && waitMs <= 2_500, `${waitMs} ms`);
});

test('a hint longer than a job may wait ends it at once and says until when', async () => {
  await using server = await startFaulty([{ status: 429, headers: { 'retry-after': '3600' } }]);
  const before = Date.now();

  const { facts, ended } = await ask(server, { retryMsMax: 600_000 });

  const { message, whatToDo, ...rest } = endOf(ended);
  assert.deepEqual(rest, { code: 'model_failed', retryAfterSeconds: 3600 });
  const [, until = ''] =
    /^The model API asks to wait until (\S+), for longer than a job may: 429 /.exec(message) ?? [];
  const awayMs = Date.parse(until) - before;
  assert.ok(awayMs >= 3_600_000 && awayMs < 3_605_000, message);
  assert.ok(whatToDo.includes(until) && whatToDo.includes('MODEL_RETRY_SECONDS_MAX'), whatToDo);
  assert.deepEqual([facts, server.requests.length], [[], 1]);
});

test('all waits for one reply together are bounded, whatever the number of retries', async () => {
  await using server = await startFaulty(Array.from({ length: 50 }, () => ({ status: 529 })));

  const { facts, ended } = await ask(server, { retriesMax: 40, retryMsMax: 200, backoffMs: 10 });

  const waits = waitsIn(facts);
  const sum = waits.reduce((total, waitMs) => total + waitMs, 0);
  assert.ok(sum <= 200, `${waits}`);
  assert.ok(waits.length >= 1 && waits.length <= 5, `${waits}`);
  assert.partialDeepStrictEqual(endOf(ended), { code: 'model_failed' });
  assert.match(endOf(ended).message, /failed \d times in a row, at last with: 529/);
});

test('a reply that hangs is waited for no longer than that either', async () => {
  await using server = await startFaulty(Array.from({ length: 50 }, () => ({ hang: true })));
  const start = performance.now();

  const { ended } = await ask(server, { retriesMax: 40, retryMsMax: 500, idleTimeoutMs: 150 });

  assert.match(endOf(ended).message, /failed \d times in a row, at last with: nothing came for 150 ms/);
  assert.ok(server.requests.length >= 2 && server.requests.length <= 4, `${server.requests.length}`);
  assert.ok(performance.now() - start < 5_000);
});

test('a reply that begins again and again, and hangs each time, is waited for no longer than that either', async () => {
  await using server = await startFaulty(Array.from({ length: 50 }, () => ({ hangAfterEvents: 5 })));
  const start = performance.now();

  const { ended, deltas } = await ask(server, { retriesMax: 40, retryMsMax: 1_000, idleTimeoutMs: 300 });

  assert.match(endOf(ended).message, /failed \d times in a row, at last with: nothing came for 300 ms/);
  assert.ok(deltas.filter(({ type }) => type === 'restart').length >= 1);
  // The first is for nothing, and the last may begin just before the time is over.
  assert.ok(server.requests.length >= 2 && server.requests.length <= 5, `${server.requests.length}`);
  assert.ok(performance.now() - start < 8_000);
});

test('a long reply may be cut once, after whatever silence; what is cut after that was waited for in vain', () => {
  const minute = 60_000;
  const after = (...failures: [minutes: number, hadBegun: boolean][]) => {
    const waits = createWaits({ retriesMax: 10, retryMsMax: 10 * minute });
    return failures.map(([minutes, hadBegun], index) => {
      const wait = waits.after(index + 1, undefined, { ms: minutes * minute, hadBegun });
      return 'giveUp' in wait ? wait.giveUp : 'again';
    });
  };
  assert.deepEqual(after([20, true], [4, true], [4, true], [4, true]), ['again', 'again', 'again', 'time']);
  assert.deepEqual(after([4, false], [20, true], [4, false], [4, true]), ['again', 'again', 'again', 'time']);
  assert.deepEqual(after([20, true], [11, true]), ['again', 'time']);
  assert.deepEqual(after([11, false]), ['time']);
});

test('waits grow from one retry to the next up to half a minute, and no two jobs wait alike', () => {
  const waitsOf = () => {
    const waits = createWaits({ retriesMax: 10, retryMsMax: 600_000 });
    return Array.from({ length: 8 }, (_, index) => {
      const wait = waits.after(index + 1, undefined, { ms: 0, hadBegun: false });
      assert.ok('waitMs' in wait);
      return wait.waitMs;
    });
  };
  const least = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000];
  const [one, other] = [waitsOf(), waitsOf()];
  for (const [index, waitMs] of one.entries()) {
    const leastMs = least[index] ?? 0;
    assert.ok(waitMs >= leastMs && waitMs <= leastMs * 1.25, `${one}`);
  }
  assert.notDeepEqual(one, other);
});

/** What Anthropic answers when there is no money left, or no more may be spent; and what others do. */
const spent: Record<string, Extract<Fault, { status: number }>> = {
  'a billing problem': { status: 402 },
  'an empty balance': body(400, 'Your credit balance is too low to access the Anthropic API.'),
  'a limit that the owner has set': body(
    400,
    'You have reached your specified workspace API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.',
  ),
  'the monthly limit of the tier': body(429, 'You have crossed a threshold.', 'enforced_spend_limit_reached'),
  'the limit of a contract': body(429, 'No more.', 'contract_spend_limit_reached'),
  'a limit that only words tell of': body(429, 'You have hit your monthly spend limit.'),
  'a proxy’s budget': body(400, 'Budget has been exceeded! Current cost: 10.1, max budget: 10'),
  'a quota of another endpoint': body(403, 'insufficient_quota: add credits to go on'),
};

for (const [name, fault] of Object.entries(spent)) {
  test(`${name} ends the job at once and says what to do`, async () => {
    await using server = await startFaulty([fault]);
    const { facts, ended } = await ask(server);
    const { code, message, whatToDo } = endOf(ended);
    assert.deepEqual(
      { code, facts, requests: server.requests.length },
      { code: 'model_spend_limit', facts: [], requests: 1 },
    );
    assert.match(message, /^The model API gives nothing more on this account: \d{3} /);
    assert.match(whatToDo, /credit/);
  });
}

test('an ordinary limit by the minute is waited for, although it speaks of an account’s use', async () => {
  const words = 'This request would exceed your organization’s rate limit of 50,000 input tokens per minute';
  await using server = await startFaulty([body(429, `${words}; see usage limits.`)]);
  const { ended } = await ask(server);
  assert.equal(ended instanceof Error, false, String(ended));
});

test('a spend limit that says it will pass soon is waited for; one that takes hours is not', async () => {
  const limit = body(429, 'Your workspace has reached its spend limit.');
  await using soon = await startFaulty([{ ...limit, headers: { 'retry-after': '0.1' } }]);
  await using late = await startFaulty([{ ...limit, headers: { 'retry-after': '7200' } }]);

  assert.equal((await ask(soon)).ended instanceof Error, false);
  const { code, message } = endOf((await ask(late)).ended);
  assert.deepEqual([code, late.requests.length], ['model_spend_limit', 1]);
  assert.match(message, /asks to wait until /);
});

for (const [name, fault] of Object.entries({
  'a key that is not known': body(401, 'invalid x-api-key'),
  'a key that may not use the model': body(403, 'Your API key does not have permission to use this.'),
  'an account that was closed': body(400, 'This organization has been disabled.'),
  'an account on hold': body(400, 'On hold.', 'organization_on_hold'),
})) {
  test(`${name} ends the job at once and asks for another key`, async () => {
    await using server = await startFaulty([fault]);
    const { ended } = await ask(server);
    const { code, whatToDo } = endOf(ended);
    assert.deepEqual([code, server.requests.length], ['model_credentials', 1]);
    assert.match(whatToDo, /ANTHROPIC_API_KEY/);
  });
}

test('an error about money in the middle of a stream is one as well', async () => {
  await using server = await startFaulty([{ errorEventAfter: 3, type: 'billing_error' }]);
  const { ended } = await ask(server);
  assert.equal(endOf(ended).code, 'model_spend_limit');
});
