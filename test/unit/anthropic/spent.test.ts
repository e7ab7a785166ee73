import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from '../../../server/anthropic/model.ts';
import { AppError } from '../../../server/domain/errors.ts';
import { noUsage, plusCall } from '../../../server/domain/job-event.ts';
import type { ModelDelta, ModelRequest } from '../../../server/domain/model.ts';
import { type Fault, say } from '../../support/model/scenario.ts';
import { startModel } from '../../support/model/server.ts';

const request: ModelRequest = {
  system: 'You change code.',
  tools: [],
  transcript: [{ role: 'user', content: [{ type: 'text', text: 'Hello.' }] }],
};

const never = new AbortController();

const ask = async (faults: Fault[], { model = 'claude-opus-5-5', abort = never, retriesMax = 6 } = {}) => {
  await using server = await startModel({
    scenarios: [{ name: 'hello', when: 'Hello', turns: [{ reply: [say('Hi.')], faults }] }],
  });
  const deltas: ModelDelta[] = [];
  const onDelta = (delta: ModelDelta) => {
    deltas.push(delta);
    if (delta.type === 'text' && abort !== never) abort.abort(new Error('the time is up'));
  };
  const ended = await createModel({
    ...{ apiKey: server.apiKey, baseUrl: server.url, model, thinking: true, outputTokensMax: 1_024 },
    ...{ requestTimeoutMs: 20_000, idleTimeoutMs: 10_000, retriesMax, retryMsMax: 60_000, backoffMs: 5 },
  })
    .reply(request, onDelta, abort.signal)
    .catch((thrown: unknown) => thrown);
  return { ended, last: deltas.at(-1), spent: deltas.filter(({ type }) => type === 'spent') };
};

/** The request is 22 tokens, which are written to the cache once, and read from it by each attempt after the first. */
const written = { inputTokens: 22, cacheReadTokens: 0, cacheWriteTokens: 22 };
const wasRead = { inputTokens: 22, cacheReadTokens: 22, cacheWriteTokens: 0 };
/** The API says 1 when a reply begins, and how many they were at its end. */
const [begun, whole] = [{ outputTokens: 1 }, { outputTokens: 7 }];
/** 22 tokens at 5 or at 0.2 dollars a million, and the output at 20. */
const cutFirst = { ...written, ...begun, costUsd: 0.00013 };
const wholeFirst = { ...written, ...whole, costUsd: 0.00025 };
const cutLater = { ...wasRead, ...begun, costUsd: 0.0000244 };
const wholeLater = { ...wasRead, ...whole, costUsd: 0.0001444 };

const overloaded = (errorEventAfter: number): Fault => ({ errorEventAfter, type: 'overloaded_error' });
const tooLong: Fault = {
  status: 400,
  body: { type: 'error', error: { type: 'invalid_request_error', message: 'prompt is too long' } },
};

for (const [name, fault, spent] of [
  ['was cut in its middle', { cutAfterEvents: 4 }, cutFirst],
  ['ended with an error in its middle', overloaded(4), cutFirst],
  ['ended with an error when all was counted', overloaded(6), wholeFirst],
] as const) {
  test(`what a reply that ${name} has used is in the usage of the one that came in its place`, async () => {
    const { ended, spent: told } = await ask([fault]);
    const usage = plusCall(spent, wholeLater);
    assert.partialDeepStrictEqual(ended, { usage, usageAlone: wholeLater });
    assert.deepEqual(told, []);
  });
}

test('of several attempts each counts with what was counted of it, and one that was refused with nothing', async () => {
  const { ended } = await ask([
    { status: 529 },
    { cutAfterEvents: 4 },
    overloaded(6),
    { status: 429, headers: { 'retry-after': '0' } },
    { cutAfterEvents: 3 },
  ]);
  const usage = [cutFirst, wholeLater, cutLater, wholeLater].reduce(plusCall);
  assert.partialDeepStrictEqual(ended, { usage, usageAlone: wholeLater });
});

test('attempts that were refused, or cut before they began, leave the usage as it is', async () => {
  const { ended } = await ask([{ status: 529 }, { cutAfterEvents: 0 }]);
  assert.deepEqual(ended, {
    content: [{ type: 'text', text: 'Hi.' }],
    stopReason: 'end_turn',
    usage: wholeLater,
  });
});

test('what nobody knows the price of makes the sum unknown, and its tokens count', async () => {
  const { ended } = await ask([{ cutAfterEvents: 4 }], { model: 'unheard-of' });
  const usage = { ...wasRead, inputTokens: 44, cacheWriteTokens: 22, outputTokens: 8, costUsd: 'unknown' };
  assert.partialDeepStrictEqual(ended, {
    usage,
    usageAlone: { ...wholeLater, costUsd: 'unknown' },
  });
});

test('a request that is too long after a reply that was cut has used what that one has', async () => {
  const { ended } = await ask([{ cutAfterEvents: 4 }, tooLong]);
  const { turns: _, ...nothing } = noUsage;
  assert.deepEqual(ended, {
    content: [],
    stopReason: 'context_full',
    usage: cutFirst,
    usageAlone: nothing,
  });
});

test('when no reply comes, what all attempts have used is told once, at last', async () => {
  const { ended, last, spent } = await ask([{ cutAfterEvents: 4 }, overloaded(4), { status: 500 }], {
    retriesMax: 2,
  });
  assert.ok(ended instanceof AppError, String(ended));
  assert.deepEqual(spent, [{ type: 'spent', usage: plusCall(cutFirst, cutLater) }]);
  assert.equal(last, spent[0]);
});

test('a reply that is aborted tells what it has used', async () => {
  const { ended, spent } = await ask([{ hangAfterEvents: 4 }], { abort: new AbortController() });
  assert.equal(String(ended), 'Error: the time is up');
  assert.deepEqual(spent, [{ type: 'spent', usage: cutFirst }]);
});

test('an API that refuses has used nothing, and nothing is told', async () => {
  const { ended, spent } = await ask([{ status: 500 }], { retriesMax: 0 });
  assert.ok(ended instanceof AppError, String(ended));
  assert.deepEqual(spent, []);
});
