import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from '../../../server/anthropic/model.ts';
import { readConfig } from '../../../server/config.ts';
import { AppError } from '../../../server/domain/errors.ts';
import type { JobFact } from '../../../server/domain/job-event.ts';
import { modelOptions } from '../../../server/options.ts';
import {
  type CompatibleEndpoint,
  type Dialect,
  type Said,
  startCompatibleEndpoint,
} from '../../support/compatible-endpoint.ts';
import { gateway, localServer, router, withoutStreams } from '../../support/dialects.ts';
import { runWireAgent } from '../../support/wire-agent.ts';

const conversation: Said[] = [
  { text: 'Ich schaue zuerst – 看一下 👋🏽.', calls: [{ name: 'read', input: { filepath: 'app.js' } }] },
  {
    calls: [
      { name: 'edit', input: { filepath: 'app.js', old_str: 'post()', new_str: 'post("größer")' } },
      { name: 'bash', input: { command: 'npm test' } },
    ],
  },
  { text: 'Validate POST bodies\n\nChecked with npm test.' },
];

const job = { prompt: 'Add input validation', files: { 'app.js': 'post();\n' } };

/** The server's own settings, of which the endpoint’s URL, the key and the model’s name are said, and nothing else. */
const modelAt = ({ url, apiKey }: CompatibleEndpoint, MODEL = 'somebody/elses-model') => {
  const config = readConfig({
    ANTHROPIC_API_KEY: apiKey,
    GITHUB_TOKEN: 'ghp_0123456789',
    ANTHROPIC_BASE_URL: url,
    MODEL,
  });
  assert.ok(config.ANTHROPIC_API_KEY && config.GITHUB_TOKEN);
  const { ANTHROPIC_API_KEY, GITHUB_TOKEN } = config;
  return createModel({ ...modelOptions({ ...config, ANTHROPIC_API_KEY, GITHUB_TOKEN }), backoffMs: 5 });
};

const told = (facts: JobFact[]) => facts.filter(({ type }) => type !== 'AI Thinking');

const wholeJob = [
  { type: 'AI Message', message: 'Ich schaue zuerst – 看一下 👋🏽.' },
  { type: 'Tool: Read', filepath: 'app.js', callId: 'call_0_0', lines: 1 },
  {
    ...{ type: 'Tool: Edit', filepath: 'app.js', old_str: 'post()', new_str: 'post("größer")' },
    callId: 'call_1_0',
  },
  {
    ...{ type: 'Tool: Bash', command: 'npm test', output: 'pass 3\n', exitCode: 0, durationMs: 40 },
    callId: 'call_1_1',
  },
  { type: 'AI Message', message: 'Validate POST bodies' },
  { type: 'AI Message', message: 'Checked with npm test.' },
];

const counted = { turns: 3, inputTokens: 3600, outputTokens: 102, cacheReadTokens: 0, cacheWriteTokens: 0 };
const uncounted = { ...counted, inputTokens: 0, outputTokens: 0 };

for (const [name, dialect, usage] of [
  ['a gateway to other vendors', gateway, counted],
  ['a router to hosted models', router, { ...uncounted, outputTokens: 102 }],
  ['a server of a local model', localServer, uncounted],
  ['an endpoint without streams', withoutStreams, counted],
] as const) {
  test(`a whole job with tools works through ${name} by its URL alone`, async () => {
    await using endpoint = await startCompatibleEndpoint(dialect, conversation);

    const done = await runWireAgent(modelAt(endpoint), job);

    assert.deepEqual(told(done.facts), wholeJob);
    assert.deepEqual(done.answer, {
      title: 'Validate POST bodies',
      description: 'Checked with npm test.',
      summary: 'Checked with npm test.',
      commands: [{ command: 'npm test', exitCode: 0 }],
    });
    assert.equal(done.workspace.get('app.js'), 'post("größer");\n');
    assert.deepEqual(done.usage, { ...usage, costUsd: 'unknown' });
  });
}

test('what an endpoint refuses is left out from then on, also in later jobs, and nothing else is', async () => {
  await using endpoint = await startCompatibleEndpoint(localServer, conversation);
  const model = modelAt(endpoint);

  await runWireAgent(model, job);
  await runWireAgent(model, job);

  const optional = endpoint.requests.map((request) =>
    ['thinking', 'output_config', 'cache_control'].filter((field) =>
      JSON.stringify({ ...request, messages: [], system: request.system }).includes(`"${field}":`),
    ),
  );
  const nothing = Array.from({ length: 6 }, () => []);
  assert.deepEqual(optional, [
    ['thinking', 'output_config', 'cache_control'],
    ['output_config', 'cache_control'],
    ['cache_control'],
    ...nothing,
  ]);
});

test('a local model thinks in events, and its thinking comes back to it without a signature', async () => {
  await using endpoint = await startCompatibleEndpoint({ ...localServer, refused: [] }, conversation);
  const { facts } = await runWireAgent(modelAt(endpoint), job);
  assert.deepEqual(facts[0], { type: 'AI Thinking', message: 'Hm.' });
  assert.deepEqual(endpoint.requests[1]?.messages[1]?.content[0], {
    type: 'thinking',
    thinking: 'Hm.',
    signature: '',
  });
});

test('an endpoint that takes less output says so in an error that names the setting to change', async () => {
  const dialect: Dialect = {
    ...gateway,
    refused: ['max_tokens'],
    refusal: () => ({
      status: 400,
      body: { message: 'max_tokens: 32000 > 8192, the maximum of this model' },
    }),
  };
  await using endpoint = await startCompatibleEndpoint(dialect, conversation);
  await assert.rejects(runWireAgent(modelAt(endpoint), job), (error) => {
    assert.ok(error instanceof AppError);
    assert.deepEqual([error.code, endpoint.requests.length], ['model_failed', 1]);
    assert.match(error.message, /refused the request: 400 max_tokens: 32000 > 8192, the maximum/);
    assert.match(error.whatToDo, /output limit.+MODEL settings/);
    return true;
  });
});

/** The same answers, but the first of them, whatever it is for, is another one. */
const atFirst = (dialect: Dialect, first: ReturnType<Dialect['answer']>): Dialect => {
  let answers = 0;
  return {
    ...dialect,
    answer: (said, ids) => {
      answers += 1;
      return answers === 1 ? first : dialect.answer(said, ids);
    },
  };
};

const start = gateway.answer({ text: 'Cut off' }, []) as string;

for (const [name, first, words] of [
  [
    'a stream that ends without its end',
    start.slice(0, start.indexOf('event: content_block_stop')),
    /^the reply broke off before its end$/,
  ],
  [
    'a stream with an event that cannot be read',
    start.replace('"index":0', '"index":"first"'),
    /^an event content_block_start of the reply cannot be read \(index\)$/,
  ],
  ['an error in a stream that does not name its events', 'data: {"error":{"message":"busy"}}\n\n', /^busy$/],
  ['an error with status 200', { error: { message: 'upstream is down' } }, /^upstream is down$/],
  ['an answer that is no message', { ok: true }, /^the answer is neither a stream nor a message$/],
] as const) {
  test(`${name} is a failed attempt, and is tried again`, async () => {
    await using endpoint = await startCompatibleEndpoint(atFirst(gateway, first), conversation);
    const { facts } = await runWireAgent(modelAt(endpoint), job);
    const retries = facts.flatMap((fact) => (fact.type === 'Model: Retry' ? [fact.error] : []));
    assert.equal(retries.length, 1);
    assert.match(retries[0] ?? '', words);
    assert.deepEqual(
      told(facts).filter(({ type }) => type !== 'Model: Retry'),
      wholeJob,
    );
  });
}

test('a call whose input is no JSON is told to the model, which can call again', async () => {
  const broken = (gateway.answer({ calls: [{ name: 'read', input: 0 }] }, ['call_0_0']) as string).replace(
    '"partial_json":"0"',
    '"partial_json":"{filepath: app.js}"',
  );
  await using endpoint = await startCompatibleEndpoint(atFirst(gateway, broken), conversation);

  const { facts, answer } = await runWireAgent(modelAt(endpoint), job);

  assert.equal(answer.title, 'Validate POST bodies');
  assert.partialDeepStrictEqual(facts[0], { type: 'Tool: Refused', tool: 'read', callId: 'call_0_0' });
  assert.partialDeepStrictEqual(endpoint.requests[1]?.messages, [
    { role: 'user' },
    { role: 'assistant', content: [{ type: 'tool_use', name: 'read', input: {} }] },
    { role: 'user', content: [{ type: 'tool_result', is_error: true }] },
  ]);
});

test('what comes behind the end of a reply takes nothing from it', async () => {
  const dialect: Dialect = {
    ...gateway,
    answer: (said, ids) =>
      `${gateway.answer(said, ids)}event: error\ndata: {"type":"error","error":{"type":"api_error"}}\n\n`,
  };
  await using endpoint = await startCompatibleEndpoint(dialect, conversation);
  const { facts } = await runWireAgent(modelAt(endpoint), job);
  assert.deepEqual(told(facts), wholeJob);
});
