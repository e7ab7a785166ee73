import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { call, type Fault, type Scenario, say, think } from '../../support/model/scenario.ts';
import { type Model, startModel } from '../../support/model/server.ts';

type Params = Anthropic.Messages.MessageCreateParamsNonStreaming;

const tools: Anthropic.Messages.Tool[] = [
  { name: 'read', description: 'Reads a file.', input_schema: { type: 'object' } },
  { name: 'edit', description: 'Edits a file.', input_schema: { type: 'object' } },
];

const edit = { filepath: 'src/greet.ts', old_str: 'Hello', new_str: `Grüße 👋🏽 ${'x'.repeat(60)}` };

const greeting: Scenario = {
  name: 'greeting',
  when: /greeting/i,
  turns: [
    {
      reply: [
        think('I should look first.'),
        call('read', { filepath: 'a' }),
        call('read', { filepath: 'b' }),
      ],
    },
    { reply: [say('Now I edit it.'), call('edit', edit)], expect: /Hello/ },
    { reply: [say('Done: the greeting is friendlier now. 👋🏽')] },
  ],
};

const first: Params = {
  model: 'claude-opus-5-5',
  max_tokens: 4096,
  thinking: { type: 'adaptive', display: 'summarized' },
  output_config: { effort: 'medium' },
  cache_control: { type: 'ephemeral' },
  system: 'You change code.',
  tools,
  messages: [{ role: 'user', content: 'Make the greeting friendlier.' }],
};

const clientOf = (model: Model, apiKey = model.apiKey) =>
  new Anthropic({ baseURL: model.url, apiKey, maxRetries: 0, timeout: 5_000 });

const ask = (model: Model, params: object = {}) =>
  clientOf(model)
    .messages.stream({ ...first, ...params })
    .finalMessage();

/** The conversation after a reply whose tool calls have all been answered with the same text. */
const answered = (before: Params, reply: Anthropic.Messages.Message, content: string): Params => ({
  ...before,
  messages: [
    ...before.messages,
    { role: 'assistant', content: reply.content },
    {
      role: 'user',
      content: reply.content.flatMap((block) =>
        block.type === 'tool_use' ? [{ type: 'tool_result' as const, tool_use_id: block.id, content }] : [],
      ),
    },
  ],
});

const refusal = (status: number, type: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Anthropic.APIError, String(error));
  assert.deepEqual({ status: error.status, type: error.type }, { status, type });
  assert.match(error.apiMessage ?? '', message);
  return true;
};

const invalid = (message: RegExp) => refusal(400, 'invalid_request_error', message);

test('the SDK plays a scenario with thinking, two calls at once and text to its end', async () => {
  await using model = await startModel({ scenarios: [greeting] });
  const client = clientOf(model);
  const events: string[] = [];

  const one = client.messages.stream(first);
  one.on('streamEvent', (event) =>
    events.push(event.type === 'content_block_delta' ? event.delta.type : event.type),
  );
  const reply = await one.finalMessage();

  const [thinking, readA, readB] = reply.content;
  assert.ok(thinking?.type === 'thinking' && readA?.type === 'tool_use' && readB?.type === 'tool_use');
  assert.match(thinking.signature, /^[A-Za-z0-9+/=]{80,}$/);
  assert.match(readA.id, /^toolu_01[0-9a-f]{22}$/);
  assert.notEqual(readA.id, readB.id);
  const caller = { type: 'direct' as const };
  assert.deepEqual(reply.content, [
    { type: 'thinking', thinking: 'I should look first.', signature: thinking.signature },
    { type: 'tool_use', id: readA.id, name: 'read', input: { filepath: 'a' }, caller },
    { type: 'tool_use', id: readB.id, name: 'read', input: { filepath: 'b' }, caller },
  ]);
  assert.equal(reply.stop_reason, 'tool_use');
  assert.deepEqual(events, [
    'message_start',
    ...['content_block_start', 'thinking_delta', 'signature_delta', 'content_block_stop'],
    ...['content_block_start', 'input_json_delta', 'input_json_delta', 'content_block_stop'],
    ...['content_block_start', 'input_json_delta', 'input_json_delta', 'content_block_stop'],
    'message_delta',
    'message_stop',
  ]);

  const second = answered(first, reply, 'Hello, world');
  const editReply = await client.messages.stream(second).finalMessage();
  const editCall = editReply.content[1];
  assert.ok(editCall?.type === 'tool_use');
  assert.deepEqual(editCall.input, edit);

  const last = await client.messages.stream(answered(second, editReply, 'ok')).finalMessage();
  assert.deepEqual(last.content, [
    { type: 'text', text: 'Done: the greeting is friendlier now. 👋🏽', citations: null },
  ]);
  assert.equal(last.stop_reason, 'end_turn');
  assert.deepEqual(
    model.requests.map(({ keyWasRight, answer }) => ({ keyWasRight, answer })),
    [0, 1, 2].map((turn) => ({ keyWasRight: true, answer: `scenario 'greeting', turn ${turn}` })),
  );
  assert.deepEqual(model.requests[0]?.body, { ...first, stream: true });
  assert.ok(model.requests[0]?.headerNames.includes('authorization'));
  assert.ok(!JSON.stringify(model.requests).includes(model.apiKey));
});

test('the events are framed as the real API frames them, with a ping among them', async () => {
  await using model = await startModel({
    scenarios: [{ name: 'hi', when: 'greeting', turns: [{ reply: [say('Hi')] }] }],
  });
  const response = await fetch(`${model.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': model.apiKey, 'anthropic-version': '2026-10-21' },
    body: JSON.stringify({ ...first, stream: true }),
  });
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  const frames = (await response.text()).split('\n\n');
  assert.deepEqual(frames.slice(1, 5).concat(frames.slice(-2)), [
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"","citations":null}}',
    'event: ping\ndata: {"type":"ping"}',
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}',
    'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}',
    'event: message_stop\ndata: {"type":"message_stop"}',
    '',
  ]);
});

test('a reply without a stream is the same message', async () => {
  await using model = await startModel({ scenarios: [greeting] });
  const { content, stop_reason, usage } = await clientOf(model).messages.create(first);
  assert.deepEqual(
    content.map(({ type }) => type),
    ['thinking', 'tool_use', 'tool_use'],
  );
  assert.equal(stop_reason, 'tool_use');
  assert.ok(usage.output_tokens > 0);
});

test('thinking is empty but signed where display is left out, and absent where it is disabled', async () => {
  await using model = await startModel({ scenarios: [greeting] });
  const quiet = { thinking: { type: 'adaptive' as const } };
  const [block] = (await ask(model, quiet)).content;
  assert.ok(block?.type === 'thinking');
  assert.deepEqual(
    { thinking: block.thinking, signed: block.signature.length > 0 },
    { thinking: '', signed: true },
  );

  const none = await ask(model, { thinking: { type: 'disabled' } });
  assert.deepEqual(
    none.content.map(({ type }) => type),
    ['tool_use', 'tool_use'],
  );
});

test('a longer conversation reads from the cache exactly what the one before has written', async () => {
  await using model = await startModel({ scenarios: [greeting] });
  const reply = await ask(model);
  const next = await ask(model, answered(first, reply, 'Hello'));
  const { cache_creation_input_tokens: written, cache_read_input_tokens: read } = reply.usage;
  assert.ok(written !== null && written > 20);
  assert.deepEqual({ read, rest: reply.usage.input_tokens }, { read: 0, rest: 0 });
  assert.equal(next.usage.cache_read_input_tokens, written);
  assert.ok((next.usage.cache_creation_input_tokens ?? 0) > 0);

  const { cache_control: _, ...uncached } = first;
  const plain = await clientOf(model).messages.stream(uncached).finalMessage();
  assert.deepEqual(
    [plain.usage.input_tokens, plain.usage.cache_read_input_tokens, plain.usage.cache_creation_input_tokens],
    [written, 0, 0],
  );
});

test('a marked block caches up to itself and leaves the rest as plain input', async () => {
  await using model = await startModel({ scenarios: [greeting] });
  const { cache_control: _, ...unmarked } = first;
  const system: Anthropic.Messages.TextBlockParam[] = [
    { type: 'text', text: 'You change code.', cache_control: { type: 'ephemeral' } },
  ];
  const marked = () =>
    clientOf(model)
      .messages.stream({ ...unmarked, system })
      .finalMessage();
  const before = (await marked()).usage;
  const after = (await marked()).usage;
  assert.ok(before.input_tokens > 0);
  assert.deepEqual(
    [after.input_tokens, after.cache_read_input_tokens, after.cache_creation_input_tokens],
    [before.input_tokens, before.cache_creation_input_tokens, 0],
  );
});

test('two conversations and a resumed one play the same scenario side by side', async () => {
  await using model = await startModel({ scenarios: [greeting] });
  const [one, other] = await Promise.all([ask(model), ask(model)]);
  assert.notEqual(one.id, other.id);
  const [two, again] = await Promise.all([
    ask(model, answered(first, one, 'Hello')),
    ask(model, answered(first, other, 'Hello')),
  ]);
  assert.deepEqual([two.content.length, again.content.length], [2, 2]);

  await using restarted = await startModel({ scenarios: [greeting], apiKey: model.apiKey });
  const resumed = await ask(restarted, answered(first, one, 'Hello'));
  assert.equal(resumed.stop_reason, 'tool_use');
});

test('a reply can be made from the request, and what it throws names the turn', async () => {
  const scenario: Scenario = {
    name: 'echo',
    when: 'Echo',
    turns: [
      { reply: ({ messages }) => [say(`I read: ${messages[0]?.content}`)] },
      {
        reply: () => {
          throw new Error('no more');
        },
      },
    ],
  };
  await using model = await startModel({ scenarios: [greeting, scenario] });
  const messages: Params['messages'] = [{ role: 'user', content: 'Echo this' }];
  const reply = await ask(model, { messages });
  assert.deepEqual(reply.content, [{ type: 'text', text: 'I read: Echo this', citations: null }]);
  const more: Params['messages'] = [
    ...messages,
    { role: 'assistant', content: reply.content },
    { role: 'user', content: 'And?' },
  ];
  await assert.rejects(
    ask(model, { messages: more }),
    invalid(/scenario 'echo', turn 1 refuses the request: no more/),
  );
});

test('a refusal and other ends of a turn keep their stop reason', async () => {
  const scenario: Scenario = {
    name: 'refuse',
    when: 'greeting',
    turns: [{ reply: [say('No.')], stopReason: 'refusal' }],
  };
  await using model = await startModel({ scenarios: [scenario] });
  const { stop_reason, stop_details } = await ask(model);
  assert.deepEqual(
    { stop_reason, stop_details },
    { stop_reason: 'refusal', stop_details: { type: 'refusal', category: null, explanation: null } },
  );
});

test('a conversation outside of the scenarios is refused with their names', async () => {
  await using model = await startModel({
    scenarios: [greeting, { name: 'other', when: 'other', turns: [] }],
  });
  const unknown = { messages: [{ role: 'user', content: 'Sing.' }] };
  await assert.rejects(ask(model, unknown), invalid(/No scenario fits .* 'greeting', 'other'/));
  const over = { messages: [{ role: 'user', content: 'The other one.' }] };
  await assert.rejects(ask(model, over), invalid(/scenario 'other', turn 0, but it has 0 turns/));
  await assert.rejects(
    ask(model, { tools: [] }),
    invalid(/turn 0 calls 'read', which is not among the tools: none/),
  );
  const reply = await ask(model);
  await assert.rejects(
    ask(model, answered(first, reply, 'ENOENT')),
    invalid(/scenario 'greeting', turn 1 expects \/Hello\/ in the tool results, but saw: ENOENT/),
  );
});

test('a wrong key is refused, a right one is taken from either header', async () => {
  await using model = await startModel({ scenarios: [greeting], apiKey: 'sk-right' });
  const wrong = clientOf(model, 'sk-wrong').messages.stream(first).finalMessage();
  await assert.rejects(wrong, refusal(401, 'authentication_error', /invalid x-api-key/));
  const post = (headers: Record<string, string>) =>
    fetch(`${model.url}/v1/messages`, { method: 'POST', headers, body: JSON.stringify(first) });
  const version = { 'anthropic-version': '2026-10-21' };
  assert.equal((await post({ ...version, 'x-api-key': 'sk-right' })).status, 200);
  assert.equal((await post({ 'x-api-key': 'sk-right' })).status, 400);
  assert.deepEqual(
    model.requests.map(({ keyWasRight }) => keyWasRight),
    [false, true, true],
  );
});

test('unknown paths and bodies that are no JSON are answered in the shape of the API', async () => {
  await using model = await startModel({ scenarios: [greeting] });
  const headers = { authorization: `Bearer ${model.apiKey}`, 'anthropic-version': '2026-10-21' };
  const missing = await fetch(`${model.url}/v1/complete`, { method: 'POST', headers });
  const { error } = (await missing.json()) as { error: unknown };
  assert.deepEqual(
    { status: missing.status, error },
    { status: 404, error: { type: 'not_found_error', message: 'Not found: /v1/complete' } },
  );
  assert.match(missing.headers.get('request-id') ?? '', /^req_/);
  const broken = await fetch(`${model.url}/v1/messages`, { method: 'POST', headers, body: '{"model":' });
  assert.equal(broken.status, 400);
});

const user = (content: unknown) => ({ role: 'user', content });
const toolUse = (id: string) => ({ type: 'tool_use', id, name: 'read', input: {} });
const toolResult = (id: string) => ({ type: 'tool_result', tool_use_id: id, content: 'Hello' });
const marked = { cache_control: { type: 'ephemeral' } };
const question = user('Make the greeting friendlier.');
const calls = { role: 'assistant', content: [toolUse('toolu_1'), toolUse('toolu_2')] };

const refused: { name: string; params: object; because: RegExp }[] = [
  {
    name: 'an unknown parameter',
    params: { temperature: 0 },
    because: /temperature: Extra inputs are not permitted/,
  },
  { name: 'top_p', params: { top_p: 1 }, because: /top_p: Extra inputs/ },
  { name: 'top_k', params: { top_k: 1 }, because: /top_k: Extra inputs/ },
  {
    name: 'a beta parameter without its header',
    params: { context_management: {} },
    because: /context_management: Extra/,
  },
  { name: 'no max_tokens', params: { max_tokens: undefined }, because: /max_tokens: Field required/ },
  { name: 'a max_tokens of 0', params: { max_tokens: 0 }, because: /max_tokens/ },
  { name: 'a broken max_tokens', params: { max_tokens: 1.5 }, because: /max_tokens/ },
  { name: 'no messages', params: { messages: [] }, because: /at least one message is required/ },
  {
    name: 'an empty text',
    params: { messages: [user([{ type: 'text', text: '' }])] },
    because: /must be non-empty/,
  },
  {
    name: 'an empty user message',
    params: { messages: [question, calls, user([])] },
    because: /messages\.2: all messages/,
  },
  {
    name: 'a conversation that begins with the assistant',
    params: { messages: [{ role: 'assistant', content: 'Hi' }, question] },
    because: /first message must use the "user" role/,
  },
  {
    name: 'a prefilled reply',
    params: { messages: [question, { role: 'assistant', content: 'Well' }] },
    because: /must end with a user message/,
  },
  {
    name: 'a tool call without its result',
    params: { messages: [question, calls, user([toolResult('toolu_1')])] },
    because:
      /messages\.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_2\./,
  },
  {
    name: 'a text before the results',
    params: {
      messages: [
        question,
        calls,
        user([{ type: 'text', text: 'See:' }, toolResult('toolu_1'), toolResult('toolu_2')]),
      ],
    },
    because: /immediately after: toolu_1, toolu_2/,
  },
  {
    name: 'a result without its call',
    params: { messages: [user([{ type: 'text', text: 'greeting' }, toolResult('toolu_9')])] },
    because: /messages\.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_9/,
  },
  {
    name: 'two results for a call',
    params: { messages: [question, calls, user(['toolu_1', 'toolu_1', 'toolu_2'].map(toolResult))] },
    because: /must have a single result.*toolu_1/,
  },
  {
    name: 'two calls of one id',
    params: {
      messages: [question, { ...calls, content: [toolUse('x'), toolUse('x')] }, user([toolResult('x')])],
    },
    because: /`tool_use` ids must be unique/,
  },
  {
    name: 'a failed result without a word',
    params: {
      messages: [question, calls, user([{ ...toolResult('toolu_1'), content: '', is_error: true }])],
    },
    because: /cannot be empty if `is_error` is true/,
  },
  {
    name: 'two tools of one name',
    params: { tools: [...tools, tools[0]] },
    because: /Tool names must be unique/,
  },
  {
    name: 'a forced tool with thinking on',
    params: { tool_choice: { type: 'any' } },
    because: /Thinking may not be enabled when tool_choice forces tool use/,
  },
  {
    name: 'a fifth breakpoint',
    params: {
      tools: tools.map((tool) => ({ ...tool, ...marked })),
      system: ['a', 'b'].map((text) => ({ type: 'text', text, ...marked })),
    },
    because: /A maximum of 4 blocks with cache_control may be provided\. Found 5\./,
  },
  {
    name: 'thinking that is not its own',
    params: {
      messages: [
        question,
        { ...calls, content: [{ type: 'thinking', thinking: 'Hm.', signature: 'abcd' }, toolUse('toolu_1')] },
        user([toolResult('toolu_1')]),
      ],
    },
    because: /messages\.1\.content\.0: Invalid `signature` in `thinking` block/,
  },
  {
    name: 'a breakpoint on thinking',
    params: {
      messages: [
        question,
        { ...calls, content: [{ type: 'thinking', thinking: '', signature: '', ...marked }] },
        question,
      ],
    },
    because: /cache_control: Extra inputs are not permitted/,
  },
];

for (const { name, params, because } of refused) {
  test(`refuses ${name}`, async () => {
    await using model = await startModel({ scenarios: [greeting] });
    await assert.rejects(ask(model, params), invalid(because));
  });
}

test('thinking must come back with the tool call that it led to', async () => {
  await using model = await startModel({ scenarios: [greeting] });
  const reply = await ask(model);
  const dropped = { ...reply, content: reply.content.filter(({ type }) => type !== 'thinking') };
  await assert.rejects(
    ask(model, answered(first, dropped, 'Hello')),
    invalid(/messages\.1: .* cannot be modified/),
  );
  const bent = reply.content.map((block) =>
    block.type === 'thinking' ? { ...block, thinking: 'Else.' } : block,
  );
  await assert.rejects(
    ask(model, answered(first, { ...reply, content: bent }, 'Hello')),
    invalid(/Invalid `signature`/),
  );
  assert.equal((await ask(model, answered(first, reply, 'Hello'))).stop_reason, 'tool_use');
});

test('a beta parameter is taken together with its header', async () => {
  await using model = await startModel({ scenarios: [greeting] });
  const reply = await clientOf(model)
    .beta.messages.stream({
      model: first.model,
      max_tokens: 1024,
      tools,
      messages: [{ role: 'user', content: 'greeting' }],
      betas: ['context-management-2025-06-27'],
      context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] },
    })
    .finalMessage();
  assert.equal(reply.stop_reason, 'tool_use');
});

const faulty = (...faults: Fault[]): Scenario => ({
  name: 'faulty',
  when: 'greeting',
  turns: [{ reply: [say('All is well again, and here is a text of several pieces.')], faults }],
});

test('each fault is used once and in order, then comes the reply', async () => {
  const scenario = faulty(
    { status: 429, headers: { 'retry-after': '7' } },
    { status: 529 },
    { status: 502, body: '<html>' },
  );
  await using model = await startModel({ scenarios: [scenario] });
  await assert.rejects(ask(model), (error) => {
    assert.ok(error instanceof Anthropic.RateLimitError);
    return error.headers.get('retry-after') === '7' && error.type === 'rate_limit_error';
  });
  await assert.rejects(ask(model), refusal(529, 'overloaded_error', /Fault 529/));
  await assert.rejects(
    ask(model),
    (error) => error instanceof Anthropic.InternalServerError && error.status === 502,
  );
  assert.equal((await ask(model)).stop_reason, 'end_turn');
  assert.deepEqual(
    model.requests.map(({ answer }) => answer),
    [
      `scenario 'faulty', turn 0, fault {"status":429,"headers":{"retry-after":"7"}}`,
      `scenario 'faulty', turn 0, fault {"status":529}`,
      `scenario 'faulty', turn 0, fault {"status":502,"body":"<html>"}`,
      `scenario 'faulty', turn 0`,
    ],
  );
});

test('a client that retries gets over a failing server by itself', async () => {
  await using model = await startModel({
    scenarios: [faulty({ status: 500, headers: { 'retry-after-ms': '1' } })],
  });
  const client = new Anthropic({ baseURL: model.url, apiKey: model.apiKey, maxRetries: 1 });
  assert.equal((await client.messages.stream(first).finalMessage()).stop_reason, 'end_turn');
  assert.equal(model.requests.length, 2);
});

test('a stream that is cut ends after its events with the words of a broken connection', async () => {
  await using model = await startModel({ scenarios: [faulty({ cutAfterEvents: 4 })] });
  const texts: string[] = [];
  const stream = clientOf(model)
    .messages.stream(first)
    .on('text', (text) => texts.push(text));
  await assert.rejects(stream.finalMessage(), (error) => {
    assert.ok(error instanceof Anthropic.AnthropicError && !(error instanceof Anthropic.APIError));
    return error.message === 'terminated';
  });
  assert.deepEqual(texts, ['All is well again, and h']);
});

test('an error inside of a stream has a type and no status', async () => {
  await using model = await startModel({
    scenarios: [faulty({ errorEventAfter: 3, type: 'overloaded_error' })],
  });
  await assert.rejects(ask(model), (error) => {
    assert.ok(error instanceof Anthropic.APIError);
    assert.deepEqual([error.status, error.type], [undefined, 'overloaded_error']);
    return true;
  });
});

for (const fault of [{ hang: true }, { hangAfterEvents: 3 }] as const) {
  test(`a server that hangs (${Object.keys(fault)}) is left by an abort`, async () => {
    await using model = await startModel({ scenarios: [faulty(fault)] });
    const stream = clientOf(model).messages.stream(first, { signal: AbortSignal.timeout(100) });
    await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
    assert.equal((await ask(model)).stop_reason, 'end_turn');
  });
}

test('a server that hangs can be stopped', async () => {
  const model = await startModel({ scenarios: [faulty({ hang: true })] });
  const reply = ask(model).catch((error: unknown) => error);
  while (model.requests.at(-1)?.answer === undefined || model.requests.at(-1)?.answer === '') {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await model[Symbol.asyncDispose]();
  assert.ok((await reply) instanceof Anthropic.APIConnectionError);
});

test('a delay comes before what follows it, and events keep their distance', async () => {
  await using model = await startModel({
    scenarios: [faulty({ delayMs: 60 }, { status: 500 })],
    msPerEvent: 10,
  });
  const start = performance.now();
  await assert.rejects(ask(model), refusal(500, 'api_error', /Fault 500/));
  assert.ok(performance.now() - start >= 55);
  const again = performance.now();
  await ask(model);
  assert.ok(performance.now() - again >= 60);
});
