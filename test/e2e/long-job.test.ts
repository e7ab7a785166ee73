import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsOf } from '../support/job-stream.ts';
import { times } from '../support/sample.ts';
import { filesOf, isSummaryRequest, longJob, openPoint, tokensOf } from '../support/scenarios/long-job.ts';
import { startSystem } from '../support/system.ts';

/** As many as the same job has in test/unit/agent; under `npm test` fewer, since these commands are really run. */
const steps = times(60, 200);
const outputTokensMax = 8_000;
const contextTokens = 40_000;
const prompt = 'Write all the notes';

test('a long job whose server dies after a summary goes on with it, and does all that it was to do', async () => {
  await using system = await startSystem({
    scenarios: [{ name: 'long job', when: prompt, turns: longJob(steps, contextTokens) }],
    settings: {
      MODEL_CONTEXT_TOKENS: String(contextTokens),
      MODEL_OUTPUT_TOKENS_MAX: String(outputTokensMax),
      AGENT_TURNS_MAX: String(steps + 10),
      JOB_TOKENS_MAX: '100000000',
    },
    jobMs: 240_000,
  });
  const job = await system.start(prompt);
  while ((await job.until('Context: Compacted')).how !== 'summarized');
  await system.restart('SIGKILL');
  const response = await fetch(`${system.server.url}/jobs/${job.id}/events`);
  const events = await Array.fromAsync(eventsOf(response));

  assert.partialDeepStrictEqual(events.at(-1), { type: 'Result', status: 'succeeded' });
  assert.ok(events.some(({ type }) => type === 'Job: Resumed'));
  const [pullRequest] = system.forge.pullRequests(system.repository.fullName);
  assert.ok(pullRequest?.body?.includes(`Still open: ${openPoint}`));
  const commit = events.find((event) => event.type === 'Git: Commit');
  assert.deepEqual(commit?.files.map(({ path }) => path).toSorted(), filesOf(steps).toSorted());

  const requests = system.model.requests.flatMap(({ body }) => (body ? [body] : []));
  assert.ok(Math.max(...requests.map(tokensOf)) + outputTokensMax <= contextTokens);
  const summaries = events.filter(
    (event) => event.type === 'Context: Compacted' && event.how === 'summarized',
  );
  assert.equal(requests.filter(isSummaryRequest).length, summaries.length);
});
