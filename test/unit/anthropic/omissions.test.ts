import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel, type ModelOptions } from '../../../server/anthropic/model.ts';
import { AppError } from '../../../server/domain/errors.ts';
import type { Message, ModelReply, ModelRequest } from '../../../server/domain/model.ts';
import { call, type Fault, type Scenario, say, think } from '../../support/model/scenario.ts';
import { type Model as ModelServer, startModel } from '../../support/model/server.ts';

const first: ModelRequest = {
  system: 'You change code.',
  tools: [{ name: 'read', description: 'Reads a file.', inputSchema: { type: 'object', properties: {} } }],
  transcript: [{ role: 'user', content: [{ type: 'text', text: 'Look around.' }] }],
};

const lookAround = (faults: Fault[] = []): Scenario => ({
  name: 'look-around',
  when: 'Look around',
  turns: [
    ...['Here?', 'There?', 'Elsewhere?'].map((thought, turn) => ({
      reply: [think(thought), call('read', { filepath: `${turn}.js` })],
      ...(turn === 0 && { faults }),
    })),
    { reply: [say('All is well.')] },
  ],
});

const modelOf = ({ apiKey, url }: ModelServer, options: Partial<ModelOptions> = {}) =>
  createModel({
    ...{ apiKey, baseUrl: url, model: 'claude-opus-5-5', effort: 'high', thinking: true },
    ...{ outputTokensMax: 1_024, requestTimeoutMs: 10_000, idleTimeoutMs: 5_000 },
    ...{ retriesMax: 0, retryMsMax: 0 },
    ...options,
  });

const never = new AbortController().signal;
const ignore = () => undefined;

const answered = (before: ModelRequest, { content }: ModelReply, result: string): ModelRequest => {
  const results = content.flatMap((block) =>
    block.type === 'tool_use'
      ? [{ type: 'tool_result' as const, toolUseId: block.id, content: result, isError: false }]
      : [],
  );
  return {
    ...before,
    transcript: [...before.transcript, { role: 'assistant', content }, { role: 'user', content: results }],
  };
};

const thinkingIn = (server: ModelServer) =>
  server.requests.map(({ body }) =>
    (body?.messages ?? []).flatMap(({ content }) =>
      typeof content === 'string'
        ? []
        : content.flatMap((block) => (block.type === 'thinking' ? [block.thinking] : [])),
    ),
  );

/** As a conversation is made shorter: the old results go. */
const cleared = ({ transcript, ...rest }: ModelRequest): ModelRequest => ({
  ...rest,
  transcript: transcript.map((message, index) =>
    message.role === 'user' && index > 0 && index < transcript.length - 1
      ? ({
          role: 'user',
          content: message.content.map((block) => ({ ...block, content: '[cleared]' })),
        } as Message)
      : message,
  ),
});

test('thinking that cannot be used any more, since the conversation was made shorter, is left out; later thinking is not', async () => {
  await using server = await startModel({ scenarios: [lookAround()] });
  const model = modelOf(server);
  const here = await model.reply(first, ignore, never);
  const second = answered(first, here, 'a long file');
  const there = await model.reply(second, ignore, never);

  const third = cleared(answered(second, there, 'another file'));
  const elsewhere = await model.reply(third, ignore, never);
  const last = await model.reply(answered(third, elsewhere, 'a third file'), ignore, never);

  assert.deepEqual(last.content, [{ type: 'text', text: 'All is well.' }]);
  assert.deepEqual(thinkingIn(server), [[], ['Here?'], ['Here?', 'There?'], [], ['Elsewhere?']]);
  assert.match(server.requests[2]?.answer ?? '', /^400: .*bound to a different conversation/);
});

test('a conversation goes on behind another system prompt, as after an update of the server', async () => {
  await using server = await startModel({ scenarios: [lookAround()] });
  const here = await modelOf(server).reply(first, ignore, never);
  const second = answered({ ...first, system: 'You change code with care.' }, here, 'a file');

  const there = await modelOf(server).reply(second, ignore, never);

  assert.equal(there.stopReason, 'tool_use');
  assert.deepEqual(thinkingIn(server), [[], ['Here?'], []]);
});

/** What Anthropic and others answer, and what is then left out. */
const refusals: Record<string, { says: string; without: string[] }> = {
  'a model that always thinks': {
    says: '"thinking.type.disabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
    without: ['thinking'],
  },
  'a model that does not think': {
    says: 'adaptive thinking is not supported on this model',
    without: ['thinking'],
  },
  'a model without effort': {
    says: 'This model does not support the effort parameter.',
    without: ['effort'],
  },
  'an endpoint that knows no effort': {
    says: 'output_config: Extra inputs are not permitted',
    without: ['effort'],
  },
  'an endpoint that caches no tools': {
    says: 'tools.0.cache_control: Extra inputs are not permitted',
    without: ['caching'],
  },
};

for (const [name, { says, without }] of Object.entries(refusals)) {
  test(`${name} gets its request again without ${without}`, async () => {
    const error = { type: 'invalid_request_error', message: says };
    const faults: Fault[] = [{ status: 400, body: { type: 'error', error } }];
    await using server = await startModel({ scenarios: [lookAround(faults)] });
    const deltas: unknown[] = [];

    await modelOf(server, { thinking: name !== 'a model that always thinks' }).reply(
      first,
      (delta) => deltas.push(delta),
      never,
    );

    const [refused, taken] = server.requests.map(({ body }) => ({
      thinking: body?.thinking !== undefined,
      effort: body?.output_config !== undefined,
      caching: JSON.stringify(body).includes('cache_control'),
    }));
    const all = { thinking: true, effort: true, caching: true };
    assert.deepEqual(refused, all);
    assert.deepEqual(taken, { ...all, ...Object.fromEntries(without.map((part) => [part, false])) });
    assert.equal(JSON.stringify(deltas).includes('retry'), false);
  });
}

test('a refusal that nothing left out would mend ends the job after one request', async () => {
  for (const message of [
    'messages.1: `tool_use` ids were found without `tool_result` blocks',
    'A maximum of 4 blocks with cache_control may be provided. Found 5.',
    'messages.1.content.0: `thinking` blocks in the latest assistant message cannot be modified.',
  ]) {
    const body = { type: 'error', error: { type: 'invalid_request_error', message } };
    await using server = await startModel({ scenarios: [lookAround([{ status: 400, body }])] });
    await assert.rejects(
      modelOf(server).reply(first, ignore, never),
      (error) =>
        error instanceof AppError && error.code === 'model_failed' && error.message.includes(message),
      message,
    );
    assert.equal(server.requests.length, 1, message);
  }
});
