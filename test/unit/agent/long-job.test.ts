import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Guardian } from '../../../server/agent/guardian.ts';
import { runAgent } from '../../../server/agent/run-agent.ts';
import { createModel } from '../../../server/anthropic/model.ts';
import type { JobFact, Usage } from '../../../server/domain/job-event.ts';
import type { ModelReply } from '../../../server/domain/model.ts';
import type { TranscriptEntry } from '../../../server/domain/transcript.ts';
import { startProgress } from '../../../server/jobs/progress.ts';
import { base } from '../../support/base.ts';
import { createMemorySandbox } from '../../support/memory-sandbox.ts';
import type { Turn } from '../../support/model/scenario.ts';
import { startModel } from '../../support/model/server.ts';
import { createRecordedSpan } from '../../support/recorded-span.ts';
import {
  filesOf,
  isSummaryRequest,
  longJob,
  openPoint,
  stepCommand,
  stepOutput,
  tokensOf,
} from '../../support/scenarios/long-job.ts';
import { unexplored } from '../../support/unexplored.ts';

const steps = 200;
const outputTokensMax = 8_000;
const contextTokens = 64_000;
const prompt = 'Write all the notes';
const limits = {
  turnsMax: steps + 1,
  tokensMax: Number.POSITIVE_INFINITY,
  inputTokensMax: contextTokens - outputTokensMax,
  commandMs: 120_000,
  commandMsMax: 600_000,
  outputBytesMax: 30_000,
  readBytesMax: 50_000,
  filesMax: 500,
  matchesMax: 200,
};

type Stored = { entry: TranscriptEntry; fact: JobFact | undefined };

type Start = { earlier?: readonly Stored[]; turns?: Turn[] };

/** The whole job over the wire, or the rest of one whose beginning is stored. */
const run = async ({ earlier = [], turns = longJob(steps, contextTokens) }: Start = {}) => {
  await using server = await startModel({
    scenarios: [{ name: 'long job', when: prompt, turns }],
  });
  const model = createModel({
    ...{ apiKey: server.apiKey, baseUrl: server.url, model: 'claude-opus-5-5', thinking: true },
    ...{ outputTokensMax, requestTimeoutMs: 10_000, idleTimeoutMs: 5_000, retriesMax: 0, retryMsMax: 0 },
  });
  const commands = Array.from({ length: steps }, (_, index) => [
    stepCommand(index + 1),
    { output: stepOutput(index + 1) },
  ]);
  const guardian: Guardian = {
    save: async () => {},
    heal: async () => '',
    healUnsaved: async () => undefined,
    news: () => undefined,
  };
  const stored = [...earlier];
  const told = stored.flatMap(({ fact }) => (fact ? [fact] : []));
  const usages: Usage[] = [];
  const answer = await runAgent(
    { prompt, base, exploration: unexplored, told, feedback: [] },
    {
      ...{
        model,
        guardian,
        emit: async () => {},
        span: createRecordedSpan(),
        redact: (text: string) => text,
      },
      sandbox: createMemorySandbox({}, Object.fromEntries(commands)),
      transcripts: {
        earlier: stored.map(({ entry }) => entry),
        unfinished: [],
        save: async (entry, fact) => void stored.push({ entry, fact }),
      },
    },
    limits,
    { onUsage: (usage) => void usages.push(usage) },
    new AbortController().signal,
  );
  const requests = server.requests.map(({ body, answer }) => ({ body: body ?? assert.fail(), answer }));
  return { answer, stored, usage: usages.at(-1), requests };
};

const whole = await run();
const bodies = whole.requests.map(({ body }) => body);

/** What each model call has used, in their order, and whether what was sent had become shorter just before. */
const callsOf = (stored: readonly Stored[]) => {
  const calls: { kind: 'turn' | 'summary'; usage: ModelReply['usage']; afterCompaction: boolean }[] = [];
  let afterCompaction = false;
  for (const { entry } of stored) {
    const { kind } = entry;
    if (kind === 'reply') calls.push({ kind: 'turn', usage: entry.reply.usage, afterCompaction });
    if (kind === 'compaction' && entry.compaction.how === 'summarized') {
      calls.push({ kind: 'summary', usage: entry.usage, afterCompaction });
    }
    if (kind === 'compaction') afterCompaction = true;
    if (kind === 'reply') afterCompaction = false;
  }
  return calls;
};

test('a job of 200 turns with long outputs comes to its end, and no request is longer than the context', () => {
  const printed = whole.stored.flatMap(({ entry }) =>
    entry.kind === 'result' ? [entry.result.content] : [],
  );
  assert.ok(
    printed.join('').length / 4 > 15 * contextTokens,
    'it has printed many times what the model can take',
  );
  assert.deepEqual(
    whole.requests.filter(({ answer }) => answer.startsWith('400')),
    [],
  );
  assert.ok(Math.max(...bodies.map(tokensOf)) <= limits.inputTokensMax);
  assert.equal(whole.usage?.turns, steps + 1);
  assert.equal(whole.answer.commands.length, steps);
  // The model says what it knows of at the end, found in its fifth turn.
  assert.equal(whole.answer.description, `Still open: ${openPoint}`);
});

test('plan, changed files and open points are in the last request, behind the job itself', () => {
  const [first] = bodies.at(-1)?.messages ?? [];
  const said = JSON.stringify(first);
  assert.ok(said.includes(prompt));
  assert.ok(said.includes(openPoint));
  assert.match(said, /done: Prepare the notes.*active: Finish the notes/);
  const summarizedAt = whole.stored.findLastIndex(({ fact }) => isSummary(fact));
  const written = whole.stored
    .slice(0, summarizedAt)
    .flatMap(({ fact }) => (fact?.type === 'Tool: Write' ? [fact.filepath] : []));
  assert.ok(written.length > filesOf(steps).length / 2);
  for (const file of written) assert.ok(said.includes(`- ${file}`), file);
});

const isSummary = (fact: JobFact | undefined) =>
  fact?.type === 'Context: Compacted' && fact.how === 'summarized';

test('results are left out in batches that last for some turns, and only when that is not enough older turns', () => {
  const compactions = whole.stored.flatMap(({ fact }) => (fact?.type === 'Context: Compacted' ? [fact] : []));
  const summaries = compactions.filter(isSummary);
  assert.ok(summaries.length >= 1 && summaries.length <= 4, `${summaries.length} summaries`);
  assert.ok(compactions.length < steps / 3, `${compactions.length} compactions`);
  for (const { tokensBefore, resultsCleared } of compactions) {
    assert.ok(tokensBefore > 0.4 * limits.inputTokensMax && resultsCleared > 0);
  }
  for (const { summary } of summaries) assert.ok(summary?.includes(openPoint));
});

test('the stored transcript stays whole', () => {
  const outputs = whole.stored.flatMap(({ entry }) =>
    entry.kind === 'result' && entry.result.content.startsWith('step ') ? [entry.result.content] : [],
  );
  assert.deepEqual(
    outputs.map((output) => output.slice(0, output.lastIndexOf('[exit code 0'))),
    Array.from({ length: steps }, (_, index) => stepOutput(index + 1)),
  );
});

test('the API reads from its cache all that was sent before, but for the request after a compaction', () => {
  const calls = callsOf(whole.stored);
  const roundings = 4;
  for (const [index, { kind, usage, afterCompaction }] of calls.entries()) {
    const before = calls[index - 1];
    if (before === undefined || before.kind === 'summary') continue;
    if (!afterCompaction) {
      assert.ok(usage.cacheReadTokens >= before.usage.inputTokens - roundings, `${kind} ${index}`);
    } else {
      // Tools and system prompt are read even so.
      assert.ok(usage.cacheReadTokens > 1_000 && usage.cacheWriteTokens > 1_000, `${kind} ${index}`);
    }
  }
  assert.ok(calls.some(({ kind, afterCompaction }) => kind === 'summary' && !afterCompaction));
});

test('the summaries count among what the job has used, though not as turns', () => {
  const calls = callsOf(whole.stored);
  const input = calls.reduce((sum, { usage }) => sum + usage.inputTokens, 0);
  const output = calls.reduce((sum, { usage }) => sum + usage.outputTokens, 0);
  assert.equal(calls.length, whole.requests.length);
  assert.deepEqual([whole.usage?.inputTokens, whole.usage?.outputTokens], [input, output]);
  // Whoever takes the job up and does nothing more tells the same.
  const earlier = whole.stored.map(({ entry }) => entry);
  assert.deepEqual(startProgress({ told: [], earlier, job: { startedAt: null } }).usage, whole.usage);
});

/** The ids of calls, and the signatures that follow from them, differ with each model server. */
const digestOf = (body: unknown): string => {
  const same = JSON.stringify(body).replaceAll(/toolu_01\w{22}|"signature":"[^"]*"/g, '');
  return createHash('sha256').update(same).digest('hex');
};

test('a job that is taken up again sends what it would have sent, and asks for no summary twice', async () => {
  const summaryAt = whole.stored.findLastIndex(({ fact }) => isSummary(fact));
  const clearingAt = whole.stored.findLastIndex(({ entry }) => entry.kind === 'compaction');
  for (const kept of [summaryAt, summaryAt + 1, clearingAt, clearingAt + 1, whole.stored.length - 20]) {
    const earlier = whole.stored.slice(0, kept);
    // A call without its result would be told to be interrupted.
    while (earlier.at(-1)?.entry.kind === 'reply') earlier.pop();
    const again = await run({ earlier });
    const asked = callsOf(earlier).length;
    assert.deepEqual(
      again.requests.map(({ body }) => digestOf(body)),
      bodies.slice(asked).map(digestOf),
      `after ${kept} entries`,
    );
    assert.equal(
      again.requests.filter(({ body }) => isSummaryRequest(body)).length,
      whole.stored.slice(kept).filter(({ fact }) => isSummary(fact)).length,
    );
    assert.deepEqual([again.usage?.turns, again.usage?.outputTokens], [steps + 1, whole.usage?.outputTokens]);
  }
});

test('a model that takes less than the server believes refuses one request, and is asked with less from then on', async () => {
  const tight = await run({ turns: longJob(60, 40_000) });
  assert.equal(tight.answer.description, `Still open: ${openPoint}`);
  assert.equal(tight.usage?.turns, 61);
  const refused = tight.requests.filter(({ answer }) => answer.startsWith('400'));
  assert.equal(refused.length, 1);
  assert.match(refused[0]?.answer ?? '', /prompt is too long/);
});
