import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Guardian } from '../../../server/agent/guardian.ts';
import { runAgent } from '../../../server/agent/run-agent.ts';
import { AppError } from '../../../server/domain/errors.ts';
import type { JobFact, Usage } from '../../../server/domain/job-event.ts';
import type { ModelReply, ModelRequest } from '../../../server/domain/model.ts';
import type { TranscriptEntry } from '../../../server/domain/transcript.ts';
import { base } from '../../support/base.ts';
import { createMemorySandbox } from '../../support/memory-sandbox.ts';
import { createRecordedSpan } from '../../support/recorded-span.ts';
import { call, createScriptedModel, text, thinking } from '../../support/scripted-model.ts';
import { unexplored } from '../../support/unexplored.ts';

const limits = {
  turnsMax: 20,
  tokensMax: 1_000_000,
  /** The prompt and the tools take about 2,200. */
  inputTokensMax: 10_000,
  commandMs: 120_000,
  commandMsMax: 600_000,
  outputBytesMax: 30_000,
  readBytesMax: 50_000,
  filesMax: 500,
  matchesMax: 200,
};

const usageOf = (inputTokens: number): ModelReply['usage'] => ({
  ...{ inputTokens, outputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 0, costUsd: 1 },
});

const job = async (
  script: Parameters<typeof createScriptedModel>[0],
  earlier: readonly TranscriptEntry[] = [],
  news: string[] = [],
) => {
  const model = createScriptedModel(script);
  const facts: JobFact[] = [];
  const entries = [...earlier];
  const usages: Usage[] = [];
  const guardian: Guardian = {
    save: async () => {},
    heal: async () => '',
    healUnsaved: async () => undefined,
    news: () => news.shift(),
  };
  const span = createRecordedSpan();
  const answer = await runAgent(
    { prompt: 'Mend it', base, exploration: unexplored, told: [], feedback: [] },
    {
      ...{ model, guardian, span, redact: (said: string) => said },
      sandbox: createMemorySandbox({ 'a.txt': 'a'.repeat(7_000), 'b.txt': 'short\n' }),
      emit: async (fact) => void facts.push(fact),
      transcripts: {
        earlier,
        unfinished: [],
        save: async (entry, fact) => {
          if (fact) facts.push(fact);
          entries.push(entry);
        },
      },
    },
    limits,
    { onUsage: (usage) => void usages.push(usage) },
    new AbortController().signal,
  ).catch((thrown: unknown) => thrown);
  const compacted = facts.filter((fact) => fact.type === 'Context: Compacted');
  return { answer, requests: model.requests, facts, entries, usage: usages.at(-1), compacted, span };
};

const read = (id: string, filepath = 'a.txt') => ({
  content: [thinking('Hm.'), text('I look.'), call(id, 'read', { filepath })],
});
const full = {
  content: [],
  stopReason: 'context_full',
  usage: { ...usageOf(0), outputTokens: 0, costUsd: 0 },
} as const;
const done = { content: [text('Mend the reading\n\nDone.')], usage: usageOf(4_000) };
const summary = (...content: ModelReply['content']) => ({ content, usage: usageOf(8_500) });

const lastText = (request: ModelRequest | undefined) => {
  const last = request?.transcript.at(-1)?.content.at(-1);
  return last?.type === 'text' ? last.text : undefined;
};
const titleOf = (answer: unknown) => (answer as { title?: string }).title;

test('a request that was too long is sent again with less, and what was used for it counts', async () => {
  const cut = { content: [text('Let me')], stopReason: 'context_full', usage: usageOf(9_000) } as const;
  const { answer, requests, usage, compacted, entries } = await job([
    { ...read('r1'), usage: usageOf(3_000) },
    { ...read('r2'), usage: usageOf(5_000) },
    cut,
    done,
  ]);
  assert.equal(titleOf(answer), 'Mend the reading');
  assert.deepEqual(compacted, [
    { type: 'Context: Compacted', how: 'results_cleared', tokensBefore: 5_000, resultsCleared: 1 },
  ]);
  const [, firstTurn, firstResult, lastTurn, lastResult] = requests[3]?.transcript ?? [];
  assert.match(JSON.stringify(firstResult), /7007 characters were here/);
  assert.deepEqual(lastResult, requests[2]?.transcript.at(-1));
  // What was thought was thought behind something else.
  for (const turn of [firstTurn, lastTurn]) {
    assert.deepEqual(
      turn?.content.map(({ type }) => type),
      ['text', 'tool_use'],
    );
  }
  assert.deepEqual([usage?.turns, usage?.inputTokens], [3, 21_000]);
  const stored = entries.find((entry) => entry.kind === 'compaction');
  assert.deepEqual(stored?.usage, cut.usage);
});

test('attempts that failed before a reply count for the job, and do not make the conversation longer', async () => {
  const retried = { ...read('r1'), usage: usageOf(30_000), usageAlone: usageOf(3_000) };
  const { usage, compacted } = await job([retried, done]);
  assert.deepEqual([usage?.inputTokens, compacted], [34_000, []]);
});

test('a job ends when its context is full and nothing more can be left out of it', async () => {
  const { answer, requests } = await job([full]);
  assert.equal(requests.length, 1);
  assert.ok(answer instanceof AppError && answer.code === 'model_failed');
  assert.match(answer.message, /context is full/);
  assert.match(answer.whatToDo, /MODEL_CONTEXT_TOKENS/);
});

const talk = {
  content: [text('I think. '.repeat(1_500)), call('b1', 'read', { filepath: 'b.txt' })],
  usage: usageOf(2_500),
};
const more = { ...read('b2', 'b.txt'), usage: usageOf(9_000) };

test('a model that calls a tool instead of summarizing is asked once more; after that the server tells what it knows', async () => {
  const calls = summary(call('x', 'read', { filepath: 'b.txt' }));
  const mended = await job([talk, more, calls, summary(text('All is known.')), done]);
  assert.match(mended.compacted[0]?.summary ?? '', /All is known\./);
  const hopeless = await job([talk, more, calls, { ...summary(text('No.')), stopReason: 'refusal' }, done]);
  assert.equal(titleOf(hopeless.answer), 'Mend the reading');
  assert.match(hopeless.compacted[0]?.summary ?? '', /There is no summary: look at git status/);
  assert.doesNotMatch(hopeless.compacted[0]?.summary ?? '', /No\./);
  // Nothing of it is told as said, and no call of it is run.
  assert.deepEqual(hopeless.facts.filter(({ type }) => type === 'Tool: Read').length, 2);
});

test('what was used for a summary that did not come counts', async () => {
  const { answer, usage } = await job([
    talk,
    more,
    async (onDelta) => {
      onDelta({ type: 'spent', usage: usageOf(8_000) });
      throw new AppError('model_failed', 'The model API failed.');
    },
  ]);
  assert.ok(answer instanceof AppError);
  assert.deepEqual([usage?.turns, usage?.inputTokens], [2, 2_500 + 9_000 + 8_000]);
});

test('a summary has its own run in the trace', async () => {
  const { span } = await job([talk, more, summary(text('All is known.')), done]);
  const run = span.recorded.children.find(({ name }) => name === 'summary of older turns');
  assert.equal(run?.kind, 'llm');
  assert.deepEqual(run?.end?.[1], { usage: usageOf(8_500) });
});

test('a job that was taken up between a summary and the reply to it goes on with the summary, whatever else is said', async () => {
  const whole = await job([talk, more, summary(text('All is known.')), done]);
  const at = whole.entries.findIndex(({ kind }) => kind === 'compaction');
  const earlier = whole.entries.slice(0, at + 1);
  const again = await job([done], earlier, ['Another server goes on.']);
  assert.equal(titleOf(again.answer), 'Mend the reading');
  assert.equal(lastText(again.requests[0]), 'Another server goes on.');
  assert.deepEqual(
    again.requests[0]?.transcript.slice(0, -1),
    whole.requests.at(-1)?.transcript.slice(0, -1),
  );
  assert.deepEqual(again.compacted, []);
  assert.deepEqual(again.usage, whole.usage);
  // The note stands behind the summary, and is found there again.
  const third = await job([], again.entries);
  assert.equal(titleOf(third.answer), 'Mend the reading');
});

test('where the endpoint counts no tokens, all of them are estimated', async () => {
  const uncounted = usageOf(0);
  const { answer, compacted } = await job([
    ...['r1', 'r2', 'r3'].map((id) => ({ ...read(id), usage: uncounted })),
    { ...summary(text('I have read a.txt.')), usage: uncounted },
    { ...done, usage: uncounted },
  ]);
  assert.equal(titleOf(answer), 'Mend the reading');
  assert.deepEqual(
    compacted.map(({ how }) => how),
    ['summarized'],
  );
});
