import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createFirstMessage } from '../../../server/agent/first-message.ts';
import { AppError } from '../../../server/domain/errors.ts';
import type { JobFact } from '../../../server/domain/job-event.ts';
import type { TranscriptEntry } from '../../../server/domain/transcript.ts';
import { createScriptedAgent, done, failsWith, lastOf, prompt, read } from '../../support/scripted-agent.ts';
import { call, speak, text, thinking } from '../../support/scripted-model.ts';
import { unexplored } from '../../support/unexplored.ts';

test('a job goes from the prompt over tool calls to the answer', async () => {
  const { run, facts, sandbox, usages } = createScriptedAgent([
    { content: [thinking('Where is it?'), text('I look.\n\nThen I change it.'), read] },
    {
      content: [
        call('edit-1', 'edit', { filepath: 'app.js', old_str: 'post()', new_str: 'post(checked)' }),
        call('bash-1', 'bash', { command: 'npm test' }),
      ],
    },
    done,
  ]);
  assert.deepEqual(await run(), {
    title: 'Validate POST bodies',
    description: 'Checked with npm test.',
    summary: 'Checked with npm test.',
    commands: [{ command: 'npm test', exitCode: 0 }],
  });
  assert.deepEqual(facts, [
    { type: 'AI Thinking', message: 'Where is it?' },
    { type: 'AI Message', message: 'I look.' },
    { type: 'AI Message', message: 'Then I change it.' },
    { type: 'Tool: Read', filepath: 'app.js', callId: 'read-1', lines: 1 },
    {
      type: 'Tool: Edit',
      filepath: 'app.js',
      old_str: 'post()',
      new_str: 'post(checked)',
      callId: 'edit-1',
    },
    {
      type: 'Tool: Bash',
      command: 'npm test',
      output: 'pass 3\n',
      exitCode: 0,
      durationMs: 40,
      callId: 'bash-1',
    },
    { type: 'AI Message', message: 'Validate POST bodies' },
    { type: 'AI Message', message: 'Checked with npm test.' },
  ]);
  assert.equal(sandbox.workspace.get('app.js'), 'post(checked);\n');
  assert.deepEqual(usages, [
    {
      turns: 1,
      inputTokens: 100,
      outputTokens: 20,
      cacheReadTokens: 60,
      cacheWriteTokens: 10,
      costUsd: 'unknown' as const,
    },
    {
      turns: 2,
      inputTokens: 200,
      outputTokens: 40,
      cacheReadTokens: 120,
      cacheWriteTokens: 20,
      costUsd: 'unknown' as const,
    },
    {
      turns: 3,
      inputTokens: 300,
      outputTokens: 60,
      cacheReadTokens: 180,
      cacheWriteTokens: 30,
      costUsd: 'unknown' as const,
    },
  ]);
});

test('the model is asked with everything before, thinking unchanged, and results in the order of the calls', async () => {
  const first = [thinking('Hm.'), text('I look.'), read, call('read-2', 'read', { filepath: 'no.js' })];
  const { run, requests } = createScriptedAgent([{ content: first }, done]);
  await run();
  const opening = { role: 'user', content: [...createFirstMessage(unexplored, prompt)] };
  assert.deepEqual(requests[0]?.transcript, [opening]);
  assert.deepEqual(requests[1]?.transcript, [
    opening,
    { role: 'assistant', content: first },
    {
      role: 'user',
      content: [
        { type: 'tool_result', toolUseId: 'read-1', content: '     1\tpost();', isError: false },
        {
          type: 'tool_result',
          toolUseId: 'read-2',
          content: 'No file at no.js. Use list to see what is there.',
          isError: true,
        },
      ],
    },
  ]);
  assert.deepEqual([requests[1]?.system, requests[1]?.tools], [requests[0]?.system, requests[0]?.tools]);
});

test('an unknown tool and unfit input are told to the model, and the job goes on', async () => {
  const { run, facts, requests } = createScriptedAgent([
    { content: [call('a', 'delete', {}), call('b', 'read', { path: 'app.js' }), read] },
    done,
  ]);
  await run();
  const unknown = 'There is no tool «delete». The tools are: plan, list, search, read, edit, write, bash.';
  const unfit =
    'The input of read does not fit: «filepath» is missing (string); there is no field «path», the fields are filepath, offset, limit.';
  assert.deepEqual(facts.slice(0, 3), [
    { type: 'Tool: Refused', tool: 'delete', error: unknown, callId: 'a' },
    { type: 'Tool: Refused', tool: 'read', error: unfit, callId: 'b' },
    { type: 'Tool: Read', filepath: 'app.js', callId: 'read-1', lines: 1 },
  ]);
  assert.deepEqual(lastOf(requests[1])?.content.slice(0, 2), [
    { type: 'tool_result', toolUseId: 'a', content: unknown, isError: true },
    { type: 'tool_result', toolUseId: 'b', content: unfit, isError: true },
  ]);
});

test('a refusal ends the job with what the model said', async () => {
  const { run, facts } = createScriptedAgent([
    { content: [text('I cannot help with it.')], stopReason: 'refusal' },
  ]);
  await assert.rejects(
    run(),
    failsWith('model_refused', /refused this job\. It said: I cannot help with it\.$/),
  );
  assert.deepEqual(facts, [{ type: 'AI Message', message: 'I cannot help with it.' }]);
});

test('a reply that ends for an unknown reason ends the job, and its calls are not run', async () => {
  const { run, facts } = createScriptedAgent([{ content: [read], stopReason: 'other' }]);
  await assert.rejects(run(), failsWith('model_failed', /in the middle of its work/));
  assert.deepEqual(facts, []);
});

test('a paused reply is asked to go on', async () => {
  const { run, requests } = createScriptedAgent([
    { content: [text('Wait.')], stopReason: 'pause_turn' },
    done,
  ]);
  await run();
  assert.deepEqual(requests[1]?.transcript.slice(1), [
    { role: 'assistant', content: [text('Wait.')] },
    { role: 'user', content: [{ type: 'text', text: 'Go on.' }] },
  ]);
});

test('an empty reply gets one more chance', async () => {
  const nudge = 'Your reply was empty. Go on with the job; if it is done, send the final message.';
  const mended = createScriptedAgent([{ content: [] }, done]);
  assert.equal((await mended.run()).title, 'Validate POST bodies');
  // The API takes no blank assistant message, so the words go into the user's message before it.
  assert.deepEqual(mended.requests[1]?.transcript, [
    { role: 'user', content: [...createFirstMessage(unexplored, prompt), text(nudge)] },
  ]);
  const afterCalls = createScriptedAgent([
    { content: [read] },
    { content: [thinking('Hm.'), text(' \n')] },
    done,
  ]);
  await afterCalls.run();
  assert.deepEqual(lastOf(afterCalls.requests[2]), {
    role: 'user',
    content: [
      { type: 'tool_result', toolUseId: 'read-1', content: '     1\tpost();', isError: false },
      text(nudge),
    ],
  });
  const hopeless = createScriptedAgent([{ content: [] }, { content: [thinking('Hm.')] }, done]);
  await assert.rejects(hopeless.run(), failsWith('model_failed', /said nothing, and nothing again/));
});

test('empty replies count in a row only', async () => {
  const { run } = createScriptedAgent([{ content: [] }, { content: [read] }, { content: [] }, done]);
  assert.equal((await run()).title, 'Validate POST bodies');
});

test('a call that the output limit has cut is not run, and the model is told', async () => {
  const cut = call('write-1', 'write', { filepath: 'app.js', content: 'half' });
  const { run, requests, facts, sandbox } = createScriptedAgent([
    { content: [read, cut], stopReason: 'max_tokens' },
    { content: [call('write-2', 'write', 'half a')], stopReason: 'max_tokens' },
    done,
  ]);
  await run();
  assert.equal(sandbox.workspace.get('app.js'), 'post();\n');
  const error =
    'The reply reached its output limit before this call was complete, so it was not run. Call it again with less input: write a long file in parts (write the first part, then add the others with edit).';
  assert.deepEqual(facts.slice(0, 3), [
    { type: 'Tool: Read', filepath: 'app.js', callId: 'read-1', lines: 1 },
    { type: 'Tool: Refused', tool: 'write', error, callId: 'write-1' },
    { type: 'Tool: Refused', tool: 'write', error, callId: 'write-2' },
  ]);
  assert.deepEqual(requests[2]?.transcript.slice(-2), [
    { role: 'assistant', content: [call('write-2', 'write', {})] },
    {
      role: 'user',
      content: [{ type: 'tool_result', toolUseId: 'write-2', content: error, isError: true }],
    },
  ]);
});

test('a text that the output limit has cut is no answer; after three in a row the job fails', async () => {
  const cut = { content: [text('Validate POST bo')], stopReason: 'max_tokens' } as const;
  const mended = createScriptedAgent([cut, cut, cut, done]);
  assert.equal((await mended.run()).title, 'Validate POST bodies');
  const hopeless = createScriptedAgent([cut, cut, cut, cut, done]);
  await assert.rejects(hopeless.run(), failsWith('model_failed', /output limit again and again/));
  assert.equal(hopeless.requests.length, 4);
});

test('what the model says is stored before its first call runs', async () => {
  const order: string[] = [];
  const agent = createScriptedAgent([{ content: [text('First.\n\nSecond.'), read] }, done]);
  const { sandbox } = agent;
  const reading = sandbox.read;
  sandbox.read = (...file) => {
    order.push(...agent.facts.map((fact) => fact.type), 'read');
    return reading(...file);
  };
  await agent.run();
  assert.deepEqual(order, ['AI Message', 'AI Message', 'read']);
});

test('a job that is cancelled in the middle of a command stops at once', async () => {
  const { run, abort, facts, sandbox, span, requests } = createScriptedAgent([
    {
      content: [
        text('I wait.'),
        call('bash-1', 'bash', { command: 'sleep 600' }),
        call('bash-2', 'bash', { command: 'npm test' }),
      ],
    },
    done,
  ]);
  const running = run();
  while (sandbox.asked.length === 0) await setImmediate();
  abort.abort(new Error('cancelled'));
  await assert.rejects(running, { message: 'cancelled' });
  assert.deepEqual(facts, [{ type: 'AI Message', message: 'I wait.' }]);
  assert.equal(requests.length, 1);
  assert.equal(sandbox.asked.length, 1);
  assert.deepEqual(span.recorded.children.at(-1)?.end, [{}, { error: 'cancelled' }]);
});

test('a job that is cancelled between two calls, or between two turns, does nothing more', async () => {
  for (const calls of [[read], [read, call('write-1', 'write', { filepath: 'b.js', content: '' })]]) {
    const agent = createScriptedAgent([{ content: calls }, done]);
    agent.sandbox.read = async () => {
      agent.abort.abort(new Error('cancelled'));
      return { ok: false, message: 'too late' };
    };
    await assert.rejects(agent.run(), { message: 'cancelled' });
    assert.equal(agent.requests.length, 1);
    assert.deepEqual([...agent.sandbox.workspace.keys()], ['app.js']);
  }
});

test('what the model said before it failed is told, and the failure is passed on', async () => {
  const lost = new AppError('model_failed', 'The connection broke.');
  const { run, facts, span } = createScriptedAgent([
    async (onDelta) => {
      onDelta({ type: 'text', text: 'I look.\n\nThen' });
      throw lost;
    },
  ]);
  await assert.rejects(run(), (thrown) => thrown === lost);
  assert.deepEqual(facts, [
    { type: 'AI Message', message: 'I look.' },
    { type: 'AI Message', message: 'Then' },
  ]);
  assert.deepEqual(span.recorded.children[0]?.end, [{}, { error: 'The connection broke.' }]);
});

const lost = new AppError('sandbox_lost', 'The sandbox stopped.');

test('the model hears of a sandbox that is lost during a call, and the calls behind it are not run', async () => {
  const { run, sandbox, facts, requests } = createScriptedAgent([
    {
      content: [
        call('bash-1', 'bash', { command: 'npm test' }),
        call('write-1', 'write', { filepath: 'b.js', content: '' }),
      ],
    },
    done,
  ]);
  sandbox.exec = async () => {
    throw lost;
  };
  await run();
  const told = 'Another sandbox: The sandbox stopped.';
  const notRun = 'Not run, since the sandbox was lost during a call before it.';
  assert.deepEqual(facts.slice(0, 2), [
    {
      ...{ type: 'Tool: Bash', command: 'npm test', output: '', exitCode: null, durationMs: 0 },
      ...{ callId: 'bash-1', error: told },
    },
    { type: 'Tool: Refused', tool: 'write', error: notRun, callId: 'write-1' },
  ]);
  assert.deepEqual(lastOf(requests[1]), {
    role: 'user',
    content: [
      { type: 'tool_result', toolUseId: 'bash-1', content: told, isError: true },
      { type: 'tool_result', toolUseId: 'write-1', content: notRun, isError: true },
    ],
  });
  assert.deepEqual([...sandbox.workspace.keys()], ['app.js']);
});

test('a sandbox that cannot be healed ends the job', async () => {
  const { run, sandbox, guardian } = createScriptedAgent([{ content: [read] }, done]);
  sandbox.read = async () => {
    throw lost;
  };
  const tooMany = new AppError('sandbox_lost', 'Lost too often.');
  guardian.heal = async () => {
    throw tooMany;
  };
  await assert.rejects(run(), (thrown) => thrown === tooMany);
});

test('an answer that rests on lost changes is not taken', async () => {
  const { run, requests, guardian } = createScriptedAgent([done, done]);
  guardian.healUnsaved = async () => (requests.length === 1 ? 'All is lost.' : undefined);
  await run();
  assert.deepEqual(lastOf(requests[1]), { role: 'user', content: [text('All is lost.')] });
});

test('a reply that broke off and came again is told once', async () => {
  const { run, facts } = createScriptedAgent([
    async (onDelta) => {
      onDelta({ type: 'text', text: 'I look.\n\nThe' });
      onDelta({ type: 'restart' });
      speak([text('I look.\n\nThen I change it.')], onDelta);
      return { content: [text('I look.\n\nThen I change it.'), read] };
    },
    done,
  ]);
  await run();
  assert.deepEqual(facts.slice(0, 3), [
    { type: 'AI Message', message: 'I look.' },
    { type: 'AI Message', message: 'Then I change it.' },
    { type: 'Tool: Read', filepath: 'app.js', callId: 'read-1', lines: 1 },
  ]);
});

test('the trace has a run for every model turn and every tool call', async () => {
  const { run, span, requests } = createScriptedAgent([
    { content: [read, call('read-2', 'read', { filepath: 'no.js' })] },
    done,
  ]);
  await run();
  const usage = {
    inputTokens: 100,
    outputTokens: 20,
    cacheReadTokens: 60,
    cacheWriteTokens: 10,
    costUsd: 'unknown' as const,
  };
  const missing = 'No file at no.js. Use list to see what is there.';
  const { children } = span.recorded;
  assert.deepEqual(
    children.map(({ kind, name, end }) => ({ kind, name, end })),
    [
      {
        kind: 'llm',
        name: 'model turn 1',
        end: [
          {
            messages: [{ role: 'assistant', content: [read, call('read-2', 'read', { filepath: 'no.js' })] }],
            stopReason: 'tool_use',
          },
          { usage },
        ],
      },
      { kind: 'tool', name: 'read', end: [{ output: '     1\tpost();' }, {}] },
      { kind: 'tool', name: 'read', end: [{ output: missing }, { error: missing }] },
      {
        kind: 'llm',
        name: 'model turn 2',
        end: [
          { messages: [{ role: 'assistant', content: done.content }], stopReason: 'end_turn' },
          { usage },
        ],
      },
    ],
  );
  assert.deepEqual(children[1]?.inputs, { input: { filepath: 'app.js' } });
  assert.deepEqual(children[3]?.inputs, {
    model: 'scripted',
    messages: [{ role: 'system', content: requests[1]?.system }, ...(requests[1]?.transcript ?? [])],
  });
});

/** The whole job again, with the transcript broken off after each of its entries in turn. */
test('an agent that is taken up at any entry of its transcript asks and does only what is missing', async () => {
  const script = [
    { content: [text('I look.'), read, call('read-2', 'read', { filepath: 'no.js' })] },
    { content: [call('bash-1', 'bash', { command: 'npm test' })] },
    done,
  ];
  const whole = createScriptedAgent(script);
  const answer = await whole.run();
  const { entries } = whole;
  assert.deepEqual(
    entries.map(({ kind }) => kind),
    ['reply', 'result', 'result', 'reply', 'result', 'reply'],
  );
  for (let kept = 0; kept <= entries.length; kept++) {
    const earlier = entries.slice(0, kept);
    const replies = earlier.filter(({ kind }) => kind === 'reply').length;
    const told = whole.facts.filter(
      (fact) => fact.type === 'Tool: Bash' && earlier.some((entry) => resultOf(entry) === fact.callId),
    );
    const again = createScriptedAgent(script.slice(replies), {}, { earlier, told });
    const interrupted = earlier.at(-1)?.kind === 'reply' && kept < entries.length;
    const commands = interrupted && kept === 4 ? [{ command: 'npm test', exitCode: null }] : answer.commands;
    assert.deepEqual(await again.run(), { ...answer, commands }, `after ${kept} entries`);
    assert.equal(again.requests.length, script.length - replies);
    assert.deepEqual(again.usages.at(-1), whole.usages.at(-1));
    assert.deepEqual(
      again.entries.map((entry) => resultOf(entry) ?? entry.kind),
      entries.map((entry) => resultOf(entry) ?? entry.kind),
    );
  }
});

test('what replayed turns have changed is saved once, before the first reply that is asked for', async () => {
  const turns = 20;
  const script = Array.from({ length: turns }, (_, index) => ({
    content: [call(`bash-${index}`, 'bash', { command: 'npm test' })],
  }));
  const whole = createScriptedAgent([...script, done], { turnsMax: 100 });
  await whole.run();
  const again = createScriptedAgent([done], { turnsMax: 100 }, { earlier: whole.entries.slice(0, -1) });
  const log: string[] = [];
  again.guardian.save = async () => void log.push(`saved before request ${again.requests.length + 1}`);
  await again.run();
  assert.deepEqual(log, ['saved before request 1']);
});

const resultOf = (entry: TranscriptEntry) => (entry.kind === 'result' ? entry.result.toolUseId : undefined);

test('a call that was under way when its server died is told to be interrupted, and what stands behind it is not run', async () => {
  const calls = [
    call('bash-1', 'bash', { command: 'npm test' }),
    call('bash-2', 'bash', { command: 'npm test' }),
  ];
  const reply = { content: calls, stopReason: 'tool_use' as const, usage: noTokens };
  const agent = createScriptedAgent(
    [done],
    {},
    { earlier: [{ kind: 'reply', reply }], news: ['It is a new sandbox.'] },
  );
  await agent.run();
  assert.deepEqual(agent.sandbox.asked, []);
  const [message] = agent.requests[0]?.transcript.slice(-1) ?? [];
  const contents = message?.content.map((block) => (block.type === 'tool_result' ? block.content : ''));
  assert.match(contents?.[0] ?? '', /server that ran this call is gone.*It is a new sandbox\.$/);
  assert.match(contents?.[1] ?? '', /^Not run, since the server was lost/);
});

const noTokens = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  costUsd: 'unknown' as const,
};

test('what the model must know since another server went on is said before its next turn, once, and kept', async () => {
  const agent = createScriptedAgent([{ content: [read] }, done], {}, { news: ['It is a new sandbox.'] });
  await agent.run();
  assert.deepEqual(lastOf(agent.requests[0])?.content, [
    ...createFirstMessage(unexplored, prompt),
    { type: 'text', text: 'It is a new sandbox.' },
  ]);
  assert.deepEqual(agent.entries[0], { kind: 'note', text: 'It is a new sandbox.' });
  const again = createScriptedAgent([], {}, { earlier: agent.entries });
  assert.equal((await again.run()).title, 'Validate POST bodies');
});

test('what was told of a reply that was not finished is not told again', async () => {
  const unfinished: JobFact[] = [{ type: 'AI Message', message: 'I look.' }];
  const agent = createScriptedAgent(
    [{ content: [text('I look.\n\nThen I act.'), read] }, done],
    {},
    { unfinished },
  );
  await agent.run();
  assert.deepEqual(agent.facts.slice(0, 2), [
    { type: 'AI Message', message: 'Then I act.' },
    { type: 'Tool: Read', filepath: 'app.js', callId: 'read-1', lines: 1 },
  ]);
});
