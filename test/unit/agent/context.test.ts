import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKnownWork } from '../../../server/agent/context/known-work.ts';
import { charactersOf, notMeasured, tokensOf } from '../../../server/agent/context/measure.ts';
import { nextStep } from '../../../server/agent/context/next-step.ts';
import { summaryText } from '../../../server/agent/context/summary.ts';
import { resultsOf, resultsSeen, viewOf } from '../../../server/agent/context/view-of.ts';
import { withReply, withUser } from '../../../server/agent/transcript.ts';
import type { JobFact } from '../../../server/domain/job-event.ts';
import type { ReplyBlock, ToolResult, Transcript } from '../../../server/domain/model.ts';
import type { Compaction } from '../../../server/domain/transcript.ts';
import { checkConversation, conversationOf } from '../../support/model/conversation.ts';
import { type Random, startRandom, times } from '../../support/sample.ts';
import { call, text, thinking } from '../../support/scripted-model.ts';

const random = startRandom('context');
const upTo = (max: number, random: Random) => Math.floor(random() * max);

const result = (toolUseId: string, characters: number): ToolResult => ({
  ...{ type: 'tool_result', toolUseId, content: 'x'.repeat(characters), isError: false },
});

/** Turns of all kinds: with no call or many, replies that are blank, thinking alone, notes between them. */
const randomTranscript = (turns: number): Transcript => {
  let transcript = withUser([], [{ type: 'text', text: 'The job.' }]);
  for (let turn = 0; turn < turns; turn += 1) {
    const calls = Array.from({ length: upTo(4, random) }, (_, index) =>
      call(`call-${turn}-${index}`, 'bash', { command: 'y'.repeat(upTo(300, random)) }),
    );
    const blocks: ReplyBlock[] = [
      ...(random() < 0.5 ? [thinking('Hm.'.repeat(upTo(50, random)))] : []),
      ...(random() < 0.5 ? [text(random() < 0.2 ? ' ' : 'I look.'.repeat(1 + upTo(100, random)))] : []),
      ...calls,
    ];
    transcript = withReply(transcript, blocks);
    const results = calls.flatMap((block) =>
      block.type === 'tool_use'
        ? [result(block.id, random() < 0.3 ? upTo(200, random) : upTo(5_000, random))]
        : [],
    );
    const isSaid = results.length === 0 || random() < 0.2;
    transcript = withUser(transcript, [
      ...results,
      ...(isSaid ? [text('Go on.') as { type: 'text'; text: string }] : []),
    ]);
  }
  return transcript;
};

const sizeOf = (transcript: Transcript) =>
  tokensOf(charactersOf({ system: '', tools: [], transcript }), notMeasured);

/** Everything that has to be left out of it, one after the other. */
const compacted = (transcript: Transcript, inputTokensMax: number, before: readonly Compaction[] = []) => {
  const compactions = [...before];
  for (;;) {
    const step = nextStep({ transcript, compactions, inputTokensMax, tokensOf: sizeOf });
    if (step === undefined) return compactions;
    compactions.push(step.how === 'summarized' ? { ...step, summary: 'The summary.' } : step);
    assert.ok(compactions.length < 1_000, 'there is an end to it');
  }
};

const checkRules = (transcript: Transcript) => {
  const messages = transcript.map(({ role, content }) => ({
    role,
    content: content.map((block) =>
      block.type === 'tool_result'
        ? { type: block.type, tool_use_id: block.toolUseId, content: block.content }
        : block,
    ),
  }));
  checkConversation(conversationOf({ model: 'any', max_tokens: 1, messages }));
};

const freeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
};

test('whatever is left out of a growing transcript, the API takes what is sent of it', () => {
  for (let round = 0; round < times(40, 400); round += 1) {
    const transcript = freeze(randomTranscript(2 + upTo(60, random)));
    const inputTokensMax = 300 + upTo(8_000, random);
    let compactions: Compaction[] = [];
    const sent = new Map<number, Transcript>();
    for (let length = 1; length <= transcript.length; length += 2) {
      const soFar = transcript.slice(0, length);
      compactions = compacted(soFar, inputTokensMax, compactions);
      const view = viewOf(soFar, compactions);
      sent.set(length, view);
      checkRules(view);
      assert.deepEqual(view, viewOf(stored(soFar), stored(compactions)), 'another server sends the same');
      assert.deepEqual(
        view[0]?.content.slice(0, soFar[0]?.content.length),
        soFar[0]?.content,
        'the job stays',
      );
      checkReplies(view, soFar, sent);
      const isLastTurnAlone = view.length <= 3 && resultsSeen(soFar, view) <= shortOnes(soFar);
      assert.ok(sizeOf(view) <= inputTokensMax || isLastTurnAlone, `${sizeOf(view)} > ${inputTokensMax}`);
    }
  }
});

const stored = <T>(value: T): T => JSON.parse(JSON.stringify(value));

/** Each is there as it was said or without its thinking; thinking comes back only behind what it was thought behind. */
const checkReplies = (view: Transcript, transcript: Transcript, sent: ReadonlyMap<number, Transcript>) => {
  for (const [index, message] of view.entries()) {
    if (message.role === 'user') continue;
    const at = index + transcript.length - view.length;
    const said = transcript[at]?.content ?? [];
    const isForgotten = message.content.every(({ type }) => type !== 'thinking');
    assert.deepEqual(message.content, isForgotten ? said.filter(({ type }) => type !== 'thinking') : said);
    if (!isForgotten) assert.deepEqual(view.slice(0, index), sent.get(at));
  }
};

const shortOnes = (transcript: Transcript) =>
  resultsOf(transcript).filter(({ content }) => content.length <= 200).length;

/** So many turns, each of one call with a result of so many characters. */
const turnsOf = (...characters: number[]): Transcript =>
  characters.reduce<Transcript>(
    (transcript, size, at) =>
      withUser(withReply(transcript, [call(`call-${at}`, 'bash', {})]), [result(`call-${at}`, size)]),
    withUser([], [{ type: 'text', text: 'The job.' }]),
  );

test('nothing is left out of a transcript that fits', () => {
  const transcript = turnsOf(1_000, 1_000);
  assert.deepEqual(compacted(transcript, 10_000), []);
  assert.deepEqual(viewOf(transcript, []), transcript);
});

test('old results go first, each for a note that says what was there', () => {
  const transcript = turnsOf(7_000, 7_000, 100, 7_000, 1_000, 1_000);
  const compactions = compacted(transcript, 10_000);
  assert.deepEqual(compactions, [{ how: 'results_cleared', results: 4, messages: 13 }]);
  const view = viewOf(transcript, compactions);
  assert.deepEqual(
    resultsOf(view).map(({ content }) => (content.startsWith('x') ? content.length : content)),
    [noteOf(7_000), noteOf(7_000), 100, noteOf(7_000), 1_000, 1_000],
  );
  assert.equal(resultsSeen(transcript, view), 3);
});

const noteOf = (characters: number) =>
  `[${characters} characters were here, left out to save room: call the tool again if you need them]`;

test('when results are not what takes the room, older turns are summarized, and the newest stay', () => {
  const words = text('I look. '.repeat(500));
  const transcript = [1, 2, 3, 4, 5, 6, 7].reduce<Transcript>(
    (all, at) =>
      withUser(withReply(all, [words, call(`call-${at}`, 'bash', {})]), [result(`call-${at}`, 10)]),
    withUser([], [{ type: 'text', text: 'The job.' }]),
  );
  const compactions = compacted(transcript, 10_000);
  assert.deepEqual(compactions, [{ how: 'summarized', before: 13, summary: 'The summary.', messages: 15 }]);
  assert.deepEqual(viewOf(transcript, compactions), [
    { role: 'user', content: [text('The job.'), text('The summary.')] },
    ...transcript.slice(13),
  ]);
});

test('a last turn that alone is too long is cut down to what fits, the newest results first to stay', () => {
  const calls = [1, 2, 3, 4].map((at) => call(`call-${at}`, 'read', {}));
  const transcript = withUser(
    withReply(turnsOf(1_000), calls),
    calls.flatMap((block) => (block.type === 'tool_use' ? [result(block.id, 14_000)] : [])),
  );
  const compactions = compacted(transcript, 10_000);
  assert.deepEqual(compactions, [
    { how: 'results_cleared', results: 3, messages: 5 },
    { how: 'summarized', before: 3, summary: 'The summary.', messages: 5 },
  ]);
  const view = viewOf(transcript, compactions);
  assert.deepEqual(
    resultsOf(view).map(({ content }) => content.length > 200),
    [false, false, true, true],
  );
});

test('a request is measured by what the API has counted, and only what came since is estimated', () => {
  const last = { tokens: 5_000, characters: 20_000 };
  assert.equal(tokensOf(20_000, last), 5_000);
  assert.equal(tokensOf(20_350, last), 5_100);
  assert.equal(tokensOf(10_000, last), 2_500);
  assert.equal(tokensOf(3_500, notMeasured), 1_000);
});

test('a summary has what the server itself knows of the work, as it is at last', () => {
  const bash = (command: string, exitCode: number | null) =>
    ({ type: 'Tool: Bash', command, exitCode, output: '', durationMs: 1, callId: 'c' }) as const;
  const write = (filepath: string, error?: string) =>
    ({ type: 'Tool: Write', filepath, lines: 1, callId: 'c', ...(error && { error }) }) as const;
  const work = createKnownWork([
    { type: 'AI Plan', steps: [{ title: 'Look', state: 'active' }], callId: 'c' },
    bash('npm test', 1),
    write('a.ts'),
    write('no/such.ts', 'There is no directory.'),
  ]);
  assert.equal(createKnownWork([]).inWords(), '');
  const edit = { type: 'Tool: Edit', filepath: 'b.ts', old_str: '', new_str: '', callId: 'c' } as const;
  const facts: JobFact[] = [
    {
      type: 'AI Plan',
      steps: [
        { title: 'Look', state: 'done' },
        { title: 'Act', state: 'active' },
      ],
      callId: 'c',
    },
    edit,
    bash('sleep 600', null),
    bash('npm test', 0),
    write('a.ts'),
  ];
  facts.forEach(work.add);
  assert.equal(
    work.inWords(),
    `# The plan, as it was shown last
- done: Look
- active: Act

# Files that were changed with edit and write, the latest change last
- b.ts
- a.ts

# Commands, each with the exit code of its last run, the latest last
- sleep 600 → killed
- npm test → 0`,
  );
  assert.match(
    summaryText('All is well.', work.inWords()),
    /All is well\.[\s\S]*- active: Act[\s\S]*npm test → 0/,
  );
  assert.match(summaryText('', work.inWords()), /git status/);
  assert.ok(summaryText('x'.repeat(100_000), '').length < 25_000);
});

test('of very many files and commands a summary names the latest', () => {
  const work = createKnownWork([]);
  for (let at = 1; at <= 300; at += 1) {
    work.add({ type: 'Tool: Write', filepath: `${at}.ts`, lines: 1, callId: 'c' });
    const command = `echo ${at} ${'long '.repeat(100)}`;
    work.add({ type: 'Tool: Bash', command, exitCode: 0, output: '', durationMs: 1, callId: 'c' });
  }
  const words = work.inWords();
  assert.match(words, /- … and 200 before these\n- 201\.ts\n[\s\S]*\n- 300\.ts\n/);
  assert.match(words, /- … and 285 before these\n- echo 286 /);
  assert.ok(words.length < 6_000, `${words.length}`);
});
