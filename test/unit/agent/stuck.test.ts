import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeProgress, type PastCall, type PastTurn, pastTurn } from '../../../server/agent/stuck.ts';
import type { TranscriptEntry } from '../../../server/domain/transcript.ts';
import { createScriptedAgent, done } from '../../support/scripted-agent.ts';
import { call } from '../../support/scripted-model.ts';

const bash = (command: string, output: string, seconds = 0.1): PastCall => ({
  ...{ name: 'bash', input: { command }, isError: false },
  content: `${output}\n[exit code 0, ${seconds} s]`,
});
const read = (filepath: string, content = 'text'): PastCall => ({
  ...{ name: 'read', input: { filepath }, isError: false },
  content,
});
const plan: PastCall = { name: 'plan', input: {}, content: 'The plan is shown.', isError: false };
const failed = (past: PastCall, why = 'It does not fit.'): PastCall => ({
  ...past,
  ...{ isError: true, content: why },
});

/** What is said behind each of these turns, with its number, until it is ended; each nudge is told to the model. */
const told = (turns: readonly (readonly PastCall[])[]): string[] => {
  const past: PastTurn[] = [];
  const said: string[] = [];
  for (const calls of turns) {
    past.push(pastTurn(calls));
    const judged = judgeProgress(past);
    if (judged === undefined) continue;
    const reason = judged.kind === 'nudge' ? judged.reason : judged.message;
    said.push(`${past.length} ${judged.kind}: ${reason}`);
    if (judged.kind === 'end') break;
    Object.assign(past.at(-1) ?? {}, { wasNudged: true });
    assert.equal(judgeProgress(past), undefined, 'nobody is told twice behind one turn');
  }
  return said;
};

const times = (count: number, turn: (number: number) => PastCall[]) =>
  Array.from({ length: count }, (_, index) => turn(index));

test('the same call with the same result is a loop, whatever time it took', () => {
  assert.deepEqual(told(times(9, (n) => [bash('npm test', `pass 3\nduration_ms ${n}.5`, n)])), [
    '3 nudge: repetition',
    '5 end: The model made the same calls 5 times in a row, always with the same results.',
  ]);
});

test('a plan that is told again makes no other turn of it', () => {
  assert.deepEqual(
    told(times(9, (n) => (n % 2 ? [plan, read('a.js')] : [read('a.js')]))).map((line) => line.slice(0, 7)),
    ['3 nudge', '5 end: '],
  );
});

test('the same call with another result each time is none', () => {
  assert.deepEqual(told(times(30, (n) => [bash('git log --oneline | wc -l', `${n}`)])), []);
  assert.deepEqual(told(times(30, (n) => [read('log.txt', `line ${n}`)])), []);
});

test('whoever waits for something may look at it more often, and as long as it changes for ever', () => {
  assert.deepEqual(told(times(60, (n) => [bash('sleep 5; cat log', `built ${n} s`)])), []);
  assert.deepEqual(
    told(times(60, (n) => [bash('sleep 5; cat log', 'building', 5 + n / 10)])).map((line) =>
      line.slice(0, 8),
    ),
    ['6 nudge:', '12 end: '],
  );
});

test('two turns, or three, one after the other again and again are a loop', () => {
  const alternating = times(20, (n) => [read(n % 2 ? 'a.js' : 'b.js')]);
  assert.deepEqual(told(alternating), [
    '6 nudge: repetition',
    '10 end: The model went through the same 2 turns 5 times, always with the same results.',
  ]);
  assert.deepEqual(told(times(20, (n) => [bash(['a', 'b', 'c'][n % 3] ?? '', 'x')])), [
    '9 nudge: repetition',
    '11 nudge: no_effect',
    '15 end: The model went through the same 3 turns 5 times, always with the same results.',
  ]);
});

test('work that goes to and fro between editing and testing is none', () => {
  const edit = (n: number): PastCall => ({
    ...{ name: 'edit', input: { filepath: 'a.js', new_str: `${n}` } },
    ...{ content: 'Edited a.js.', isError: false },
  });
  assert.deepEqual(told(times(60, (n) => [n % 2 ? bash('npm test', 'fail 1') : edit(n)])), []);
});

test('a call that fails again and again is told, also when its error changes', () => {
  const edit = { name: 'edit', input: { filepath: 'a.js' }, content: '', isError: true };
  assert.deepEqual(told(times(9, (n) => [failed(edit, `Not found, attempt ${n}`)])), [
    '3 nudge: repeated_errors',
    '5 end: The same calls of the model failed 5 times in a row.',
  ]);
});

test('calls that fail one after the other are told, though each is another one', () => {
  assert.deepEqual(told(times(20, (n) => [failed(read(`no-${n}.js`))])), [
    '6 nudge: repeated_errors',
    '8 nudge: no_effect',
    '12 end: Every call of the model’s last 12 turns failed.',
  ]);
  assert.deepEqual(told(times(20, (n) => [n % 5 ? failed(read(`no-${n}.js`)) : read(`${n}.js`)])), []);
});

test('turns that show nothing new are told: files that were read before, and plans', () => {
  const first = times(5, (n) => [read(`${n}.js`)]);
  const again = [3, 1, 4, 1, 0, 2, 2, 4, 3, 0, 4, 2, 1, 3, 4, 0, 1].map((n) => [read(`${n}.js`)]);
  assert.deepEqual(told([...first, ...again]), [
    '13 nudge: no_effect',
    '21 end: The model’s last 16 turns changed nothing and showed nothing new.',
  ]);
  assert.deepEqual(
    told(times(20, () => [plan])).map((line) => line.slice(0, 9)),
    ['8 nudge: ', '16 end: T'],
  );
});

test('what was read before and has changed since is new, and so is all behind a message to us', () => {
  assert.deepEqual(told(times(40, (n) => [read(`${n % 4}.js`, `version ${n}`)])), []);
  const rounds = times(40, (n) => (n % 3 === 2 ? [] : [bash('npm test', 'fail 1')]));
  assert.deepEqual(told(rounds), []);
});

const list = (id: string) => ({ content: [call(id, 'list', {})] });

test('an agent in a loop is told so once, and then ended with what it has', async () => {
  const script = ['a', 'b', 'c', 'd', 'e', 'f'].map(list);
  const agent = createScriptedAgent(script, { turnsMax: 50 });
  const answer = await agent.run();
  const message = 'The model made the same calls 5 times in a row, always with the same results.';
  assert.deepEqual(answer, {
    title: 'Add input validation to all POST endpoints',
    description: `This work was stopped before it was done. ${message}`,
    summary: `This work was stopped before it was done. ${message}`,
    commands: [],
    incomplete: { code: 'agent_stuck', message },
  });
  assert.equal(agent.requests.length, 5);
  const nudge =
    'You have made the same calls 3 times in a row, and the results were the same each time. They will not change by themselves: do something else.';
  assert.deepEqual(
    agent.facts.filter(({ type }) => type === 'Agent: Nudged'),
    [{ type: 'Agent: Nudged', reason: 'repetition', message: nudge }],
  );
  assert.deepEqual(agent.requests[3]?.transcript.at(-1)?.content, [
    { type: 'tool_result', toolUseId: 'c', content: 'app.js', isError: false },
    { type: 'text', text: nudge },
  ]);
});

test('an agent that was told so and does something else goes on', async () => {
  const agent = createScriptedAgent([...['a', 'b', 'c'].map(list), done]);
  assert.equal((await agent.run()).title, 'Validate POST bodies');
});

/** The whole job again, with the transcript broken off after each of its entries in turn. */
test('an agent in a loop comes to the same end wherever it is taken up, and the nudge is told once', async () => {
  const script = ['a', 'b', 'c', 'd', 'e'].map(list);
  const whole = createScriptedAgent(script, { turnsMax: 50 });
  const answer = await whole.run();
  const kinds = (entries: readonly TranscriptEntry[]) => entries.map(({ kind }) => kind).join(' ');
  assert.match(kinds(whole.entries), /^(reply result ){3}note( reply result){2}$/);
  for (let kept = 0; kept <= whole.entries.length; kept++) {
    const earlier = whole.entries.slice(0, kept);
    // A call that was under way when its server died has another result, and that is no loop.
    if (earlier.at(-1)?.kind === 'reply') continue;
    const replies = earlier.filter(({ kind }) => kind === 'reply').length;
    const again = createScriptedAgent(script.slice(replies), { turnsMax: 50 }, { earlier });
    assert.deepEqual(await again.run(), answer, `after ${kept} entries`);
    assert.deepEqual(again.entries, whole.entries);
    const isTold = earlier.some(({ kind }) => kind === 'note');
    const nudges = again.facts.filter(({ type }) => type === 'Agent: Nudged');
    assert.equal(nudges.length, isTold ? 0 : 1);
  }
});
