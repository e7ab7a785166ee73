import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from '../../../server/anthropic/model.ts';
import type {
  Message,
  ModelDelta,
  ModelReply,
  ModelRequest,
  ReplyBlock,
} from '../../../server/domain/model.ts';
import { call, type Scenario, say, think } from '../../support/model/scenario.ts';
import { type Model as ModelServer, startModel } from '../../support/model/server.ts';

const greeting: Scenario = {
  name: 'greeting',
  when: 'greeting',
  turns: [
    {
      reply: [think('I look first.'), call('read', { filepath: 'a.ts' }), call('read', { filepath: 'b.ts' })],
    },
    { reply: [say('Now I edit it.'), call('edit', { filepath: 'a.ts' })], expect: /Hello/ },
    { reply: [say('Done.')] },
  ],
};

const request: ModelRequest = {
  system: 'You change code.',
  tools: ['read', 'edit'].map((name) => ({
    name,
    description: `The tool ${name}.`,
    inputSchema: { type: 'object', properties: { filepath: { type: 'string' } } },
  })),
  transcript: [{ role: 'user', content: [{ type: 'text', text: 'Make the greeting friendlier.' }] }],
};

const modelOf = (server: ModelServer, options: { thinking?: boolean } = {}) =>
  createModel({
    apiKey: server.apiKey,
    baseUrl: server.url,
    model: 'claude-opus-5-5',
    effort: 'medium',
    thinking: true,
    outputTokensMax: 4_096,
    requestTimeoutMs: 10_000,
    idleTimeoutMs: 5_000,
    retriesMax: 0,
    ...options,
  });

const never = new AbortController().signal;
const ignore = () => undefined;

const resultsFor = (reply: ModelReply, content: string): Message => ({
  role: 'user',
  content: reply.content.flatMap((block) =>
    block.type === 'tool_use'
      ? [{ type: 'tool_result' as const, toolUseId: block.id, content, isError: false }]
      : [],
  ),
});

const answered = (before: ModelRequest, reply: ModelReply, content: string): ModelRequest => ({
  ...before,
  transcript: [
    ...before.transcript,
    { role: 'assistant', content: reply.content },
    resultsFor(reply, content),
  ],
});

/** Without what the server makes up. */
const shape = (block: ReplyBlock) => {
  if (block.type === 'tool_use') return { type: block.type, name: block.name, input: block.input };
  return block.type === 'thinking' ? { type: block.type, thinking: block.thinking } : block;
};

/** Pieces of one block joined. */
const joined = (deltas: ModelDelta[]): ModelDelta[] => {
  const all: ModelDelta[] = [];
  for (const delta of deltas) {
    const last = all.at(-1);
    if ('text' in delta && last?.type === delta.type && 'text' in last) last.text += delta.text;
    else all.push({ ...delta });
  }
  return all;
};

test('a reply streams its thinking and ends each block before it is returned whole', async () => {
  await using server = await startModel({ scenarios: [greeting] });
  const deltas: ModelDelta[] = [];

  const reply = await modelOf(server).reply(request, (delta) => deltas.push(delta), never);

  assert.deepEqual(reply.content.map(shape), [
    { type: 'thinking', thinking: 'I look first.' },
    { type: 'tool_use', name: 'read', input: { filepath: 'a.ts' } },
    { type: 'tool_use', name: 'read', input: { filepath: 'b.ts' } },
  ]);
  assert.equal(reply.stopReason, 'tool_use');
  assert.deepEqual(joined(deltas), [
    { type: 'thinking', text: 'I look first.' },
    { type: 'block_end' },
    { type: 'block_end' },
    { type: 'block_end' },
  ]);
});

test('a conversation comes to its end: the API gets thinking back with its signature', async () => {
  await using server = await startModel({ scenarios: [greeting] });
  const model = modelOf(server);

  const first = await model.reply(request, ignore, never);
  const second = await model.reply(answered(request, first, 'Hello'), ignore, never);
  const third = await model.reply(
    answered(answered(request, first, 'Hello'), second, 'edited'),
    ignore,
    never,
  );

  assert.deepEqual(third.content, [{ type: 'text', text: 'Done.' }]);
  assert.equal(third.stopReason, 'end_turn');
  assert.deepEqual(server.requests[1]?.body?.messages[1]?.content, first.content);
});

test('a reply survives being stored as JSON between the turns', async () => {
  await using server = await startModel({ scenarios: [greeting] });
  const model = modelOf(server);
  const first = await model.reply(request, ignore, never);

  const stored = JSON.parse(JSON.stringify(answered(request, first, 'Hello')));

  assert.deepEqual(stored, answered(request, first, 'Hello'));
  assert.equal((await model.reply(stored, ignore, never)).stopReason, 'tool_use');
});

test('breakpoints stand behind tools, system and the last two user messages, and the rest never changes', async () => {
  await using server = await startModel({ scenarios: [greeting] });
  const model = modelOf(server);
  const first = await model.reply(request, ignore, never);
  const afterFirst = answered(request, first, 'Hello');
  const second = await model.reply(afterFirst, ignore, never);
  const third = await model.reply(answered(afterFirst, second, 'edited'), ignore, never);

  assert.deepEqual(
    server.requests.map(({ body }) => breakpoints(body)),
    [
      ['tools.1', 'system.0', 'messages.0.content.0'],
      ['tools.1', 'system.0', 'messages.0.content.0', 'messages.2.content.1'],
      ['tools.1', 'system.0', 'messages.2.content.1', 'messages.4.content.0'],
    ],
  );
  const [one, two, three] = [0, 1, 2].map((index) => withoutBreakpoints(server.requests[index]?.body));
  assert.deepEqual(
    { ...two, messages: two?.messages.slice(0, 1) },
    one,
    'the second request begins with the first',
  );
  assert.deepEqual(
    { ...three, messages: three?.messages.slice(0, 3) },
    two,
    'the third begins with the second',
  );
  assert.equal(first.usage.cacheReadTokens, 0);
  for (const { usage } of [second, third]) {
    assert.ok(usage.cacheReadTokens > 0, JSON.stringify(usage));
    assert.equal(
      usage.cacheReadTokens + usage.cacheWriteTokens,
      usage.inputTokens,
      'all else was written to the cache',
    );
  }
});

test('the request asks for adaptive thinking and the effort, and for no thinking where it is switched off', async () => {
  await using server = await startModel({ scenarios: [greeting] });

  await modelOf(server).reply(request, ignore, never);
  await modelOf(server, { thinking: false }).reply(request, ignore, never);

  assert.deepEqual(
    server.requests.map(({ body }) => ({
      model: body?.model,
      max_tokens: body?.max_tokens,
      thinking: body?.thinking,
      output_config: body?.output_config,
      stream: body?.stream,
    })),
    [{ type: 'adaptive' as const, display: 'summarized' as const }, { type: 'disabled' as const }].map(
      (thinking) => ({
        model: 'claude-opus-5-5',
        max_tokens: 4_096,
        thinking,
        output_config: { effort: 'medium' },
        stream: true,
      }),
    ),
  );
});

test('what the API would refuse as empty is left out of the conversation', async () => {
  await using server = await startModel({ scenarios: [greeting] });
  const model = modelOf(server);
  const withoutSystem = { ...request, system: '' };
  const first = await model.reply(withoutSystem, ignore, never);
  const results = resultsFor(first, 'Hello');
  const withEmptyTexts: ModelRequest = {
    ...withoutSystem,
    transcript: [
      ...request.transcript,
      { role: 'assistant', content: [...first.content, { type: 'text', text: ' \n' }] },
      { role: 'user', content: [...results.content, { type: 'text', text: '' }] } as Message,
      { role: 'assistant', content: [] },
      { role: 'user', content: [{ type: 'text', text: 'Go on: Hello.' }] },
    ],
  };

  await model.reply(withEmptyTexts, ignore, never);

  const sent = server.requests.at(-1)?.body;
  assert.equal(sent?.system, undefined);
  assert.deepEqual(
    sent?.messages.map(({ role, content }) => [role, content.length]),
    [
      ['user', 1],
      ['assistant', 3],
      ['user', 2],
      ['user', 1],
    ],
  );
});

test('the environment decides nothing: neither where the request goes nor the key', async (t) => {
  await using server = await startModel({ scenarios: [greeting] });
  const set = {
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
    ANTHROPIC_API_KEY: 'sk-ant-other',
    ANTHROPIC_AUTH_TOKEN: 'token-other',
  };
  const before = Object.keys(set).map((name) => [name, process.env[name]] as const);
  t.after(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  Object.assign(process.env, set);

  await modelOf(server).reply(request, ignore, never);

  assert.deepEqual(
    server.requests.map(({ keyWasRight }) => keyWasRight),
    [true],
  );
});

type Body = ModelServer['requests'][number]['body'];

const breakpoints = (body: Body): string[] => {
  const found: string[] = [];
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('cache_control' in value) found.push(path);
    for (const [key, item] of Object.entries(value)) walk(item, path === '' ? key : `${path}.${key}`);
  };
  walk({ tools: body?.tools, system: body?.system, messages: body?.messages }, '');
  return found;
};

const withoutBreakpoints = (body: Body): { messages: unknown[] } =>
  JSON.parse(JSON.stringify(body, (key, value) => (key === 'cache_control' ? undefined : value)));
