import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFirstMessage } from '../../../server/agent/first-message.ts';
import type { ReplyBlock } from '../../../server/domain/model.ts';
import { createScriptedAgent, done, failsWith, lastOf, prompt, read } from '../../support/scripted-agent.ts';
import { call, text, thinking } from '../../support/scripted-model.ts';
import { unexplored } from '../../support/unexplored.ts';

const resultsIn = (agent: ReturnType<typeof createScriptedAgent>, request: number) =>
  lastOf(agent.requests[request])?.content.flatMap((block) => (block.type === 'tool_result' ? [block] : []));

/** Ids of all calls in a request, and of all results: the API wants the same ones, each once. */
const idsIn = (agent: ReturnType<typeof createScriptedAgent>) => {
  const blocks = agent.requests.at(-1)?.transcript.flatMap(({ content }): readonly object[] => content) ?? [];
  return {
    calls: blocks.flatMap((block) => ('id' in block ? [block.id] : [])),
    results: blocks.flatMap((block) => ('toolUseId' in block ? [block.toolUseId] : [])),
  };
};

test('two calls with one id each get their own result, in one reply and in several', async () => {
  const write = (filepath: string) => call('call_0', 'write', { filepath, content: 'x\n' });
  const agent = createScriptedAgent([
    { content: [write('b.js'), write('c.js')] },
    { content: [write('d.js')] },
    done,
  ]);
  await agent.run();
  const ids = ['call_0', 'call_0_2', 'call_0_3'];
  assert.deepEqual(idsIn(agent), { calls: ids, results: ids });
  assert.deepEqual([...agent.sandbox.workspace.keys()], ['app.js', 'b.js', 'c.js', 'd.js']);
  const again = createScriptedAgent(
    [{ content: [write('e.js')] }, done],
    {},
    { earlier: agent.entries.slice(0, 5) },
  );
  await again.run();
  assert.deepEqual(idsIn(again).calls, [...ids, 'call_0_4']);
});

test('calls without an id are given one', async () => {
  const agent = createScriptedAgent([
    { content: [call('', 'list', {}), call('', 'read', { filepath: 'app.js' })] },
    done,
  ]);
  await agent.run();
  assert.deepEqual(idsIn(agent), { calls: ['call', 'call_2'], results: ['call', 'call_2'] });
});

test('of hundreds of calls in one reply the first fifty are run, and the others are told not to be', async () => {
  const calls = Array.from({ length: 300 }, (_, n) =>
    call(`call-${n}`, 'write', { filepath: `${n}.js`, content: '' }),
  );
  const agent = createScriptedAgent([{ content: calls }, done]);
  await agent.run();
  assert.equal(agent.sandbox.workspace.size, 51);
  const results = resultsIn(agent, 1) ?? [];
  assert.deepEqual(
    results.map(({ toolUseId }) => toolUseId),
    calls.map((block) => block.type === 'tool_use' && block.id),
  );
  const refused = results.filter(({ content }) => content.startsWith('Not run: there were too many calls'));
  assert.deepEqual(refused, results.slice(50));
  assert.equal(
    refused.every(({ isError }) => isError),
    true,
  );

  // A server dies among those that were refused: the next one goes on with the same.
  const earlier = agent.entries.slice(0, 200);
  const again = createScriptedAgent([done], {}, { earlier });
  await again.run();
  assert.deepEqual(again.entries, agent.entries);
});

test('input of any other kind than an object is told to be unfit', async () => {
  const inputs: unknown[] = [
    null,
    'app.js',
    ['app.js'],
    7,
    {},
    { filepath: 7 },
    { filepath: 'app.js', n: null },
  ];
  const agent = createScriptedAgent([
    { content: inputs.map((input, n) => call(`read-${n}`, 'read', input)) },
    done,
  ]);
  await agent.run();
  for (const { content, isError } of resultsIn(agent, 1) ?? []) {
    assert.match(content, /^The input of read does not fit: /);
    assert.equal(isError, true);
  }
  const sent = agent.requests[1]?.transcript[1]?.content.map((block) => 'input' in block && block.input);
  assert.deepEqual(sent, [{}, {}, {}, {}, {}, { filepath: 7 }, { filepath: 'app.js', n: null }]);
});

test('a call that the output limit has cut behind others is not run, the others are', async () => {
  const calls = [read, call('write-1', 'write', { filepath: 'b.js', content: 'ha' })];
  const agent = createScriptedAgent([{ content: calls, stopReason: 'max_tokens' }, done]);
  await agent.run();
  assert.deepEqual(
    resultsIn(agent, 1)?.map(({ toolUseId, isError }) => [toolUseId, isError]),
    [
      ['read-1', false],
      ['write-1', true],
    ],
  );
  assert.equal(agent.sandbox.workspace.has('b.js'), false);
});

test('calls that are cut again and again end the job', async () => {
  const cut = { content: [call('write-1', 'write', {})], stopReason: 'max_tokens' } as const;
  const agent = createScriptedAgent([cut, cut, cut, cut, done]);
  await assert.rejects(agent.run(), failsWith('model_failed', /output limit again and again/));
});

const nothings: [what: string, content: ReplyBlock[], stopReason: 'end_turn' | 'max_tokens', told: RegExp][] =
  [
    ['nothing at all', [], 'end_turn', /^Your reply was empty\./],
    ['white space', [text(' \n')], 'end_turn', /^Your reply was empty\./],
    ['thinking alone', [thinking('Hm.')], 'end_turn', /^Your reply was empty\./],
    [
      'thinking up to the output limit',
      [thinking('Hm.')],
      'max_tokens',
      /^Your reply reached its output limit/,
    ],
  ];
for (const [what, content, stopReason, told] of nothings) {
  test(`a reply of ${what} is no answer and stays out of the transcript, and the model hears of it`, async () => {
    const agent = createScriptedAgent([{ content, stopReason }, done]);
    assert.equal((await agent.run()).title, 'Validate POST bodies');
    const first = agent.requests[1]?.transcript[0]?.content ?? [];
    const advice = first.at(-1);
    assert.deepEqual(first.slice(0, -1), createFirstMessage(unexplored, prompt));
    assert.match(advice?.type === 'text' ? advice.text : '', told);
    assert.equal(agent.requests[1]?.transcript.length, 1);
  });
}

test('a reply that says to call a tool and calls none is no answer', async () => {
  const announced = { content: [text('I’ll read it now.')], stopReason: 'tool_use' } as const;
  const agent = createScriptedAgent([announced, announced, done]);
  assert.equal((await agent.run()).title, 'Validate POST bodies');
  assert.match(JSON.stringify(lastOf(agent.requests[1])), /there was no call in it/);
  const hopeless = createScriptedAgent([announced, announced, announced, done]);
  await assert.rejects(hopeless.run(), failsWith('model_failed', /calls a tool, and called none/));
});

test('a model that pauses goes on, but not for ever', async () => {
  const paused = { content: [text('One moment.')], stopReason: 'pause_turn' } as const;
  const patient = createScriptedAgent([...Array.from({ length: 10 }, () => paused), done], { turnsMax: 50 });
  assert.equal((await patient.run()).title, 'Validate POST bodies');
  const endless = createScriptedAgent(
    Array.from({ length: 11 }, () => paused),
    { turnsMax: 50 },
  );
  await assert.rejects(endless.run(), failsWith('model_failed', /paused again and again/));
});

test('a refusal in the middle of the work ends it, and the calls beside it are not run', async () => {
  const write = call('write-1', 'write', { filepath: 'b.js', content: '' });
  const agent = createScriptedAgent([
    { content: [read] },
    { content: [text('No.'), write], stopReason: 'refusal' },
  ]);
  await assert.rejects(agent.run(), failsWith('model_refused', /It said: No\.$/));
  assert.equal(agent.sandbox.workspace.has('b.js'), false);
});
