import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from '../../../server/anthropic/model.ts';
import { costOf, type Prices, priceOf } from '../../../server/anthropic/prices.ts';
import { noUsage, plusTurn } from '../../../server/domain/job-event.ts';
import type { ModelRequest } from '../../../server/domain/model.ts';
import { say } from '../../support/model/scenario.ts';
import { startModel } from '../../support/model/server.ts';

/** A million of what is named, and nothing else; all input counts as input. */
const million = (kind: 'input' | 'output' | 'cacheWrite' | 'cacheRead') => ({
  inputTokens: kind === 'output' ? 0 : 1e6,
  outputTokens: kind === 'output' ? 1e6 : 0,
  cacheWriteTokens: kind === 'cacheWrite' ? 1e6 : 0,
  cacheReadTokens: kind === 'cacheRead' ? 1e6 : 0,
});

const costsOf = (model: string, given?: Prices) => {
  const price = priceOf(model, given);
  return (['input', 'output', 'cacheWrite', 'cacheRead'] as const).map((kind) =>
    costOf(price, million(kind)),
  );
};

test('a million tokens of each kind cost what the table says', () => {
  assert.deepEqual(costsOf('claude-opus-5-5'), [4, 20, 5, 0.2]);
  assert.deepEqual(costsOf('claude-sonnet-5-5'), [2, 10, 2.5, 0.1]);
  assert.deepEqual(costsOf('claude-haiku-4-5'), [1, 5, 1.25, 0.1]);
});

test('a reply costs its uncached input, what was written to the cache, what was read from it, and its output', () => {
  const tokens = { inputTokens: 10_000, cacheWriteTokens: 2_000, cacheReadTokens: 7_000, outputTokens: 500 };
  // 1,000 at 4, 2,000 at 5, 7,000 at 0.2 and 500 at 20 dollars a million.
  assert.equal(costOf(priceOf('claude-opus-5-5'), tokens), 0.0254);
});

test('a model whose long requests cost more is counted by the length of each, cached or not', () => {
  const price = priceOf('claude-haiku-5-5');
  const reply = { outputTokens: 1_000, cacheWriteTokens: 0 };
  const short = costOf(price, { ...reply, inputTokens: 100_000, cacheReadTokens: 100_000 });
  const long = costOf(price, { ...reply, inputTokens: 100_001, cacheReadTokens: 100_001 });
  assert.deepEqual({ short, long }, { short: 0.0015, long: 0.00750005 });
});

test('a dated name costs what the undated one does', () => {
  assert.deepEqual(costsOf('claude-haiku-4-5-20251001'), costsOf('claude-haiku-4-5'));
  const given = { 'local-1': { input: 1, output: 2, cacheWrite: 3, cacheRead: 4 } };
  assert.deepEqual(costsOf('local-1-20261001', given), [1, 2, 3, 4]);
});

test('a model that nobody has priced costs an unknown sum, never nothing, and so does its job', () => {
  for (const model of [
    'llama-4',
    'claude-opus-9',
    'anthropic/claude-opus-5.5',
    'claude-opus-5-5-fast',
    'toString',
  ]) {
    assert.deepEqual(costsOf(model), ['unknown', 'unknown', 'unknown', 'unknown'], model);
  }
  const known = { ...million('output'), costUsd: 25 };
  const sum = plusTurn(plusTurn(noUsage, known), { ...known, costUsd: 'unknown' });
  assert.deepEqual([plusTurn(noUsage, known).costUsd, sum.costUsd], [25, 'unknown']);
});

test('given prices go before the table, and a price of nothing is one', () => {
  const free = { input: 0, output: 0, cacheWrite: 0, cacheRead: 0 };
  assert.deepEqual(costsOf('claude-opus-5-5', { 'claude-opus-5-5': free }), [0, 0, 0, 0]);
  assert.deepEqual(costsOf('claude-sonnet-5-5', { 'claude-opus-5-5': free }), [2, 10, 2.5, 0.1]);
});

test('an endpoint that counts no tokens leaves the cost unknown', () => {
  const nothing = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
  assert.equal(costOf(priceOf('claude-opus-5-5'), nothing), 'unknown');
});

const request: ModelRequest = {
  system: 'You change code.',
  tools: [],
  transcript: [{ role: 'user', content: [{ type: 'text', text: 'Hello.' }] }],
};

test('a reply over the wire tells what it cost', async () => {
  await using server = await startModel({
    scenarios: [{ name: 'hello', when: 'Hello', turns: [{ reply: [say('Hi.')] }] }],
  });
  const ask = async (model: string, prices?: Prices) => {
    const { reply } = createModel({
      ...{ apiKey: server.apiKey, baseUrl: server.url, model, thinking: true, outputTokensMax: 1_024 },
      ...{ requestTimeoutMs: 10_000, idleTimeoutMs: 5_000, retriesMax: 0, retryMsMax: 0 },
      ...(prices && { prices }),
    });
    return (await reply(request, () => {}, new AbortController().signal)).usage;
  };

  const first = await ask('claude-opus-5-5');
  const again = await ask('claude-opus-5-5');
  const other = await ask('local', { local: { input: 0, output: 1e6, cacheWrite: 0, cacheRead: 0 } });

  const { inputTokens, outputTokens } = first;
  assert.deepEqual([first.cacheWriteTokens, again.cacheReadTokens], [inputTokens, inputTokens]);
  assert.deepEqual(
    [first.costUsd, again.costUsd, other.costUsd, (await ask('unheard-of')).costUsd],
    [
      (inputTokens * 5 + outputTokens * 20) / 1e6,
      (inputTokens * 0.2 + outputTokens * 20) / 1e6,
      other.outputTokens,
      'unknown',
    ],
  );
});
