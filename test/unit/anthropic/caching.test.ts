import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from '../../../server/anthropic/model.ts';
import { inertJson } from '../../../server/domain/inert-json.ts';
import type { TranscriptEntry } from '../../../server/domain/transcript.ts';
import { blocksOfRequest } from '../../support/model/prompt-cache.ts';
import {
  type Block,
  call,
  type MessagesRequest,
  type Scenario,
  say,
  think,
} from '../../support/model/scenario.ts';
import { type Model as ModelServer, startModel } from '../../support/model/server.ts';
import { runWireAgent } from '../../support/wire-agent.ts';

const prompt = 'Look through all modules';

const files = Object.fromEntries(
  Array.from({ length: 60 }, (_, number) => [
    `src/module-${number}.js`,
    `// Grüße aus Modul ${number} 👋🏽\nexport const answer = ${number};\n`,
  ]),
);

const reads = (from: number, count: number): Block[] =>
  Array.from({ length: count }, (_, index) => call('read', { filepath: `src/module-${from + index}.js` }));

/** Twenty turns of three calls each, of which the sixth has 26; some are answered with an error. */
const longTalk: Scenario = {
  name: 'long-talk',
  when: prompt,
  turns: [
    ...Array.from({ length: 20 }, (_, turn) => ({
      reply: [
        think(`What is in the modules from ${turn} on?`),
        say(`I look at part ${turn}.`),
        ...(turn === 5 ? reads(20, 26) : reads(turn, 3)),
        ...(turn % 6 === 3 ? [call('read', { filepath: 'not-there.js' })] : []),
      ],
    })),
    { reply: [say('Change nothing\n\nAll modules are well.')] },
  ],
};

const modelOf = ({ apiKey, url }: ModelServer) =>
  createModel({
    ...{ apiKey, baseUrl: url, model: 'claude-opus-5-5', effort: 'high', thinking: true },
    ...{ outputTokensMax: 4_096, requestTimeoutMs: 10_000, idleTimeoutMs: 5_000 },
    ...{ retriesMax: 0, retryMsMax: 0 },
  });

const bodiesOf = (server: ModelServer): MessagesRequest[] =>
  server.requests.map(({ body, answer }) => {
    assert.ok(body, answer);
    return body;
  });

/** What the cache hashes: every block of the prompt in its order, as it came, without the breakpoints. */
const textsOf = (body: MessagesRequest) => blocksOfRequest(body).map(({ text }) => text);

const breakpointsOf = (body: MessagesRequest) =>
  blocksOfRequest(body).flatMap(({ marked }, index) => (marked ? [index] : []));

/** The whole former prompt: its last breakpoint stands behind its last block. */
const assertContinues = (former: MessagesRequest, next: MessagesRequest, what: string) => {
  const before = textsOf(former);
  assert.equal(breakpointsOf(former).at(-1), before.length - 1, what);
  assert.deepEqual(textsOf(next).slice(0, before.length), before, what);
  const { messages: _, ...rest } = next;
  const { messages: __, ...restBefore } = former;
  assert.deepEqual(rest, restBefore, `${what}: all but the messages is the same`);
};

const repliesIn = (entries: readonly TranscriptEntry[]) =>
  entries.flatMap((entry) => (entry.kind === 'reply' ? [entry.reply] : []));

/** As it comes back from the database. */
const stored = (entries: readonly TranscriptEntry[]): TranscriptEntry[] =>
  JSON.parse(inertJson(JSON.stringify(entries)));

test('each request of a long job begins with all of the one before, and nearly all is read from the cache', async () => {
  await using server = await startModel({ scenarios: [longTalk] });

  const { entries, answer } = await runWireAgent(modelOf(server), { prompt, files });

  assert.equal(answer.title, 'Change nothing');
  const bodies = bodiesOf(server);
  assert.equal(bodies.length, 21);
  for (const [index, next] of bodies.slice(1).entries()) {
    const former = bodies[index];
    assert.ok(former);
    assertContinues(former, next, `request ${index + 1}`);
  }
  const usages = repliesIn(entries).map(({ usage }) => usage);
  for (const [index, usage] of usages.slice(1).entries()) {
    const former = usages[index]?.inputTokens ?? Number.POSITIVE_INFINITY;
    // The imitation rounds up each part.
    assert.ok(usage.cacheReadTokens >= former - 2, `turn ${index + 2} reads all of the former request`);
    assert.ok(usage.inputTokens - usage.cacheReadTokens - usage.cacheWriteTokens === 0, 'no plain input');
  }
  const later = usages.slice(1);
  const read = later.reduce((sum, { cacheReadTokens }) => sum + cacheReadTokens, 0);
  const input = later.reduce((sum, { inputTokens }) => sum + inputTokens, 0);
  assert.ok(read / input >= 0.9, `${((100 * read) / input).toFixed(1)} % of the input came from the cache`);
});

test('four breakpoints: behind the tools, the system prompt and the last two user messages', async () => {
  await using server = await startModel({ scenarios: [longTalk] });

  await runWireAgent(modelOf(server), { prompt, files });

  for (const [turn, body] of bodiesOf(server).entries()) {
    const toolsEnd = (body.tools?.length ?? 0) - 1;
    const texts = textsOf(body);
    const isUser = (text: string | undefined) => text?.startsWith('{"role":"user"') === true;
    // A user message ends where the model speaks, and where the prompt ends.
    const userEnds = texts.flatMap((text, index) =>
      isUser(text) && !isUser(texts[index + 1]) ? [index] : [],
    );
    assert.deepEqual(breakpointsOf(body), [toolsEnd, toolsEnd + 1, ...userEnds.slice(-2)], `turn ${turn}`);
    assert.equal(userEnds.length, turn + 1);
  }
});

test('a job that another server takes up between two turns asks with the very same bytes', async () => {
  await using server = await startModel({ scenarios: [longTalk] });
  const { entries } = await runWireAgent(modelOf(server), { prompt, files });
  const original = bodiesOf(server);
  const turns = entries.flatMap((entry, index) => (entry.kind === 'reply' ? [index] : []));

  for (const turn of [1, 6, 20]) {
    const asked = server.requests.length;
    const earlier = stored(entries.slice(0, turns[turn]));
    const resumed = await runWireAgent(modelOf(server), { prompt, files, earlier });

    assert.equal(JSON.stringify(bodiesOf(server)[asked]), JSON.stringify(original[turn]), `turn ${turn}`);
    const usage = repliesIn(resumed.entries)[0]?.usage;
    assert.equal(usage?.cacheReadTokens, usage?.inputTokens, 'all of it was in the cache');
  }
});

test('a job that is taken up in the middle of a turn goes on behind the same prefix', async () => {
  await using server = await startModel({ scenarios: [longTalk] });
  const { entries } = await runWireAgent(modelOf(server), { prompt, files });
  const former = bodiesOf(server)[5];
  assert.ok(former);
  const sixthReply = entries.flatMap((entry, index) => (entry.kind === 'reply' ? [index] : []))[5] ?? 0;
  const asked = server.requests.length;

  // Ten of the 26 calls have a result.
  const earlier = stored(entries.slice(0, sixthReply + 11));
  const { entries: resumed } = await runWireAgent(modelOf(server), { prompt, files, earlier });

  const next = bodiesOf(server)[asked];
  assert.ok(next);
  assertContinues(former, next, 'the first request of the second server');
  const [first] = repliesIn(resumed);
  assert.ok((first?.usage.cacheReadTokens ?? 0) >= (repliesIn(entries)[5]?.usage.inputTokens ?? 0) - 2);
});
