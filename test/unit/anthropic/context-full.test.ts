import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from '../../../server/anthropic/model.ts';
import { AppError } from '../../../server/domain/errors.ts';
import { type Fault, say, type Turn } from '../../support/model/scenario.ts';
import { startModel } from '../../support/model/server.ts';

const ask = async (turn: Partial<Turn>) => {
  await using server = await startModel({
    scenarios: [{ name: 'hello', when: 'Hello', turns: [{ reply: [say('Hi, how are')], ...turn }] }],
  });
  const model = createModel({
    ...{ apiKey: server.apiKey, baseUrl: server.url, model: 'claude-opus-5-5', thinking: true },
    ...{
      outputTokensMax: 1_024,
      requestTimeoutMs: 10_000,
      idleTimeoutMs: 5_000,
      retriesMax: 0,
      retryMsMax: 0,
    },
  });
  const transcript = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Hello' }] }];
  return await model.reply({ system: '', tools: [], transcript }, () => {}, new AbortController().signal);
};

const refusal = (status: number, type: string, message: string): Fault => ({
  status,
  body: { type: 'error', error: { type, message } },
});

for (const fault of [
  refusal(400, 'invalid_request_error', 'prompt is too long: 215432 tokens > 200000 maximum'),
  refusal(
    400,
    'invalid_request_error',
    'input length and `max_tokens` exceed context limit: 178959 + 64000 > 200000, decrease input length or `max_tokens` and try again',
  ),
  refusal(400, 'invalid_request_error', 'This model’s maximum context length is 4096 tokens.'),
  refusal(413, 'request_too_large', 'Request exceeds the maximum size.'),
  { errorEventAfter: 0, type: 'request_too_large' },
]) {
  test(`a request that is refused as too long comes back without a reply: ${JSON.stringify(fault)}`, async () => {
    assert.deepEqual(await ask({ faults: [fault] }), {
      content: [],
      stopReason: 'context_full',
      usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, costUsd: 0 },
    });
  });
}

test('a reply that has filled the context says so', async () => {
  const reply = await ask({ stopReason: 'model_context_window_exceeded' });
  assert.equal(reply.stopReason, 'context_full');
  assert.deepEqual(reply.content, [{ type: 'text', text: 'Hi, how are' }]);
});

test('a request that is refused for anything else fails', async () => {
  const fault = refusal(
    400,
    'invalid_request_error',
    'max_tokens: 64000 > 32000, the maximum for this model',
  );
  await assert.rejects(
    ask({ faults: [fault] }),
    (thrown) => thrown instanceof AppError && thrown.code === 'model_failed',
  );
});
