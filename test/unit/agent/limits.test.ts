import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentLimits } from '../../../server/agent/limits.ts';
import { AppError } from '../../../server/domain/errors.ts';
import type { JobFact } from '../../../server/domain/job-event.ts';
import type { ModelReply } from '../../../server/domain/model.ts';
import { createScriptedAgent, done, lastOf } from '../../support/scripted-agent.ts';
import { call, text } from '../../support/scripted-model.ts';

/** Each turn reads something else, so that none of them is a loop. */
const look = (number: number, costUsd: ModelReply['usage']['costUsd'] = 'unknown') => ({
  content: [text(`Look number ${number}.`), call(`list-${number}`, 'list', { glob: `**/${number}*` })],
  usage: { inputTokens: 100, outputTokens: 20, cacheReadTokens: 60, cacheWriteTokens: 10, costUsd },
});
const looks = (count: number, costUsd?: number) =>
  Array.from({ length: count }, (_, index) => look(index + 1, costUsd));

const nudges = (facts: readonly JobFact[]) =>
  facts.flatMap((fact) => (fact.type === 'Agent: Nudged' ? [`${fact.reason}: ${fact.message}`] : []));

const wrapUp =
  'Begin nothing new: leave the workspace in a state that works, and send the final message, which says what is done and what is not. After that the job ends, whether you are done or not.';

test('an agent at its turn limit gives back what it has said so far, and does not pretend to be done', async () => {
  const plan = {
    steps: [
      { title: 'Look around', state: 'done' },
      { title: 'Check the\nbodies', state: 'active' },
    ],
  };
  const agent = createScriptedAgent(
    [
      { content: [text('I plan.'), call('plan-1', 'plan', plan), call('plan-2', 'plan', { steps: [] })] },
      { content: [call('bash-1', 'bash', { command: 'npm test' })] },
      ...looks(3),
    ],
    { turnsMax: 5 },
  );
  const message = 'The model was not done after 5 turns, which is the limit.';
  assert.deepEqual(await agent.run(), {
    title: 'Add input validation to all POST endpoints',
    description: [
      `This work was stopped before it was done. ${message}`,
      'The agent’s plan, with what it said to be done:',
      '- [x] Look around\n- [ ] Check the bodies',
      'What the agent said last, in the middle of its work:',
      ...['> Look number 1.', '> Look number 2.', '> Look number 3.'],
    ].join('\n\n'),
    summary: `This work was stopped before it was done. ${message}`,
    commands: [{ command: 'npm test', exitCode: 0 }],
    incomplete: { code: 'turn_limit', message },
  });
  assert.equal(agent.requests.length, 5);
});

for (const [what, limits, costUsd, near, code, message] of [
  [
    'turns',
    { turnsMax: 20 },
    undefined,
    'You have 2 turns left.',
    'turn_limit',
    'The model was not done after 20 turns, which is the limit.',
  ],
  [
    'tokens',
    { tokensMax: 1200 },
    undefined,
    'The tokens that this job may use are nearly used up.',
    'token_limit',
    'The job used 1200 tokens and is not done; 1200 is the limit.',
  ],
  [
    'money',
    { costUsdMax: 0.3 },
    0.1,
    'The money that this job may cost is nearly used up.',
    'cost_limit',
    'The job has cost $0.3 and is not done; $0.3 is the limit.',
  ],
] as const) {
  test(`near its limit of ${what} the agent is told once, in time to come to an end, and ended at the limit`, async () => {
    const room: Partial<AgentLimits> = { turnsMax: 100, tokensMax: 100_000, ...limits };
    const agent = createScriptedAgent(looks(20, costUsd), room);
    assert.deepEqual((await agent.run()).incomplete, { code, message });
    assert.deepEqual(nudges(agent.facts), [`limit_near: ${near} ${wrapUp}`]);
    // Two more turns: one to mend what is half done, one to say so.
    assert.deepEqual(lastOf(agent.requests.at(-2))?.content.at(-1), text(`${near} ${wrapUp}`));
    assert.deepEqual(agent.entries.at(-5), { kind: 'note', about: 'limit', text: `${near} ${wrapUp}` });

    const ending = createScriptedAgent([...looks(agent.requests.length - 2, costUsd), done], room);
    assert.partialDeepStrictEqual(await ending.run(), { title: 'Validate POST bodies', wrappedUp: true });
  });
}

test('an answer that came without being told to come to an end says nothing of it', async () => {
  const agent = createScriptedAgent([look(1), done], { turnsMax: 4 });
  assert.deepEqual(Object.keys(await agent.run()), ['title', 'description', 'summary', 'commands']);
});

test('a finished answer is never thrown away, though its own turn reaches the limit', async () => {
  const agent = createScriptedAgent([look(1), done], { tokensMax: 130 });
  assert.partialDeepStrictEqual(await agent.run(), { title: 'Validate POST bodies', wrappedUp: true });
});

test('an answer that a limit leaves no turn to mend is taken as it is', async () => {
  const agent = createScriptedAgent([look(1), done], { turnsMax: 2 }, { feedback: ['npm test fails.'] });
  assert.partialDeepStrictEqual(await agent.run(), { title: 'Validate POST bodies', wrappedUp: true });
  assert.equal(agent.requests.length, 2);
});

test('feedback on an answer is told to the model, and to everybody who watches', async () => {
  const agent = createScriptedAgent([done, done], {}, { feedback: ['npm test fails.'] });
  assert.equal((await agent.run()).title, 'Validate POST bodies');
  assert.deepEqual(nudges(agent.facts), ['checks_broken: npm test fails.']);
  assert.deepEqual(lastOf(agent.requests[1])?.content, [text('npm test fails.')]);
});

test('at a limit another sandbox takes the place of a lost one, so that what was saved can be had', async () => {
  const agent = createScriptedAgent(looks(3), { turnsMax: 2 });
  let healed = 0;
  agent.guardian.healUnsaved = async () => `Healed ${++healed} times.`;
  assert.equal((await agent.run()).incomplete?.code, 'turn_limit');
  assert.deepEqual([healed, agent.requests.length], [1, 2]);
});

test('a limit in money is not passed by, because the endpoint tells no usage', async () => {
  const agent = createScriptedAgent(looks(3), { costUsdMax: 1 });
  assert.deepEqual((await agent.run()).incomplete, {
    code: 'cost_limit',
    message: 'What the job costs is not known, so its limit of $1 cannot be kept.',
  });
  assert.equal(agent.requests.length, 1);
});

const outOfTime = {
  code: 'time_limit',
  message: 'The model was not done when its share of the job’s time was over.',
};

test('a model that speaks when the time is up is cut off, and what was done before is kept', async () => {
  const now = Date.now();
  const agent = createScriptedAgent(
    [
      look(1),
      async (_onDelta, signal) => {
        await sleep(60_000, undefined, { signal });
        return done;
      },
    ],
    { time: { nearAt: now, endAt: now + 300 } },
  );
  const saved: string[] = [];
  agent.guardian.save = async () => {
    await sleep(20);
    saved.push('saved');
  };
  assert.deepEqual((await agent.run()).incomplete, outOfTime);
  assert.deepEqual(nudges(agent.facts), [`limit_near: The time of this job is nearly over. ${wrapUp}`]);
  // Before each of the two requests, and in the end.
  assert.equal(saved.length, 3);
  assert.deepEqual(
    agent.entries.map(({ kind }) => kind),
    ['note', 'reply', 'result'],
  );
});

test('what a reply has used that did not come counts, when the time was up and when the model failed', async () => {
  const spent = { inputTokens: 200, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 90, costUsd: 2 };
  const [inTime, failed] = [
    createScriptedAgent(
      [
        look(1, 1),
        async (onDelta, signal) => {
          await sleep(60_000, undefined, { signal }).catch(() => {});
          onDelta({ type: 'spent', usage: spent });
          return signal.throwIfAborted() ?? done;
        },
      ],
      { time: { nearAt: Date.now() + 60_000, endAt: Date.now() + 300 } },
    ),
    createScriptedAgent([
      look(1, 1),
      async (onDelta) => {
        onDelta({ type: 'spent', usage: spent });
        throw new AppError('model_failed', 'The model API failed.');
      },
    ]),
  ];
  assert.deepEqual((await inTime.run()).incomplete, outOfTime);
  await assert.rejects(failed.run(), { code: 'model_failed' });
  const usage = { turns: 1, inputTokens: 300, outputTokens: 21, cacheReadTokens: 60, cacheWriteTokens: 100 };
  for (const agent of [inTime, failed]) assert.deepEqual(agent.usages.at(-1), { ...usage, costUsd: 3 });
});

test('a job that is cancelled while its time runs out is cancelled', async () => {
  const agent = createScriptedAgent(
    [
      async (_onDelta, signal) => {
        agent.abort.abort(new Error('cancelled'));
        await sleep(60_000, undefined, { signal });
        return done;
      },
    ],
    { time: { nearAt: 0, endAt: Date.now() + 60_000 } },
  );
  await assert.rejects(agent.run(), { message: 'cancelled' });
});

test('a command gets no more time than the agent has, and leaves some to come to an end', async () => {
  const timeoutsWhen = async (nearMs: number, endMs: number) => {
    const time = { nearAt: Date.now() + nearMs, endAt: Date.now() + endMs };
    const calls = [
      call('a', 'bash', { command: 'npm test', timeoutSeconds: 10 }),
      call('b', 'bash', { command: 'npm test' }),
    ];
    const agent = createScriptedAgent([{ content: calls }, done], { time });
    await agent.run();
    return agent.sandbox.asked.map(({ timeoutMs }) => Math.ceil(timeoutMs / 5000) * 5);
  };
  assert.deepEqual(await timeoutsWhen(60_000, 90_000), [10, 75]);
  assert.deepEqual(await timeoutsWhen(-60_000, 30_000), [10, 30]);
  assert.deepEqual(await timeoutsWhen(600_000, 900_000), [10, 120]);
});

/** The clock goes on while nobody has the job; what the model was told by it stays what it was. */
test('what the clock has brought the model to hear is there again for whoever goes on', async () => {
  const words = 'The time of this job is nearly over. Say what is done.';
  const earlier = [{ kind: 'note', about: 'limit', text: words }] as const;
  const time = { nearAt: Date.now() + 60_000, endAt: Date.now() + 90_000 };
  const agent = createScriptedAgent([done], { time }, { earlier });
  assert.partialDeepStrictEqual(await agent.run(), { wrappedUp: true });
  assert.deepEqual(lastOf(agent.requests[0])?.content.at(-1), text(words));
  assert.deepEqual(nudges(agent.facts), []);
});

/** The whole job again, with the transcript broken off after each of its entries in turn. */
test('an agent comes to the same end at its limit wherever it is taken up, and is told of it once', async () => {
  const script = looks(6);
  const whole = createScriptedAgent(script, { turnsMax: 6 });
  const answer = await whole.run();
  for (let kept = 0; kept <= whole.entries.length; kept++) {
    const earlier = whole.entries.slice(0, kept);
    if (earlier.at(-1)?.kind === 'reply') continue;
    const replies = earlier.filter(({ kind }) => kind === 'reply').length;
    const again = createScriptedAgent(script.slice(replies), { turnsMax: 6 }, { earlier });
    assert.deepEqual(await again.run(), answer, `after ${kept} entries`);
    assert.deepEqual(again.entries, whole.entries);
    const isTold = earlier.some(({ kind }) => kind === 'note');
    assert.equal(nudges(again.facts).length, isTold ? 0 : 1);
  }
});
