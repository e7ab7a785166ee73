import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { done, type JobBench, startJobBench } from '../support/job-bench.ts';
import { call, say, type Turn } from '../support/model/scenario.ts';

let bench: JobBench;
before(async () => {
  bench = await startJobBench();
});
after(() => bench?.[Symbol.asyncDispose]());

const repositoryOf = (name: string) =>
  bench.forge.createRepository(`acme/${name}`, { files: { 'README.md': '# Books\n' } });

const writes: Turn = {
  reply: [say('I begin with a note.'), call('write', { filepath: 'NOTES.md', content: 'Half a note.\n' })],
};

test('a model that is overloaded is asked again, each time with an event, and the job goes on', async () => {
  const repository = await repositoryOf('overloaded');
  const { events, last } = await bench.run({
    repository,
    turns: [
      {
        ...writes,
        faults: [
          { status: 529, headers: { 'retry-after': '0' } },
          { errorEventAfter: 3, type: 'overloaded_error' },
        ],
      },
      { reply: [done] },
    ],
  });
  assert.deepEqual(
    events.flatMap((event) => (event.type === 'Model: Retry' ? [[event.attempt, event.error]] : [])),
    [
      [1, '529 Fault 529 of the scenario.'],
      [2, 'overloaded_error Fault of the scenario.'],
    ],
  );
  const from = events.findIndex(({ type }) => type === 'Model: Retry');
  assert.deepEqual(
    events.slice(from, from + 4).map(({ type }) => type),
    ['Model: Retry', 'Model: Retry', 'AI Message', 'Tool: Write'],
  );
  assert.partialDeepStrictEqual(last, { type: 'Result', status: 'succeeded', filesChanged: 1 });
});

test('a model account that may spend no more ends the job with what to do, and the work of its last turn is kept', async () => {
  const repository = await repositoryOf('spent');
  const { events, jobId, last } = await bench.run({
    repository,
    turns: [writes, { reply: [done], faults: [{ status: 402 }] }],
  });
  assert.partialDeepStrictEqual(last, {
    type: 'Error',
    code: 'model_spend_limit',
    whatToDo:
      'Raise the limit or add credit where the server’s model account is billed, then send the job again.',
    usage: { turns: 1 },
    saved: {},
  });
  assert.equal(
    events.find(({ type }) => type === 'Model: Retry'),
    undefined,
  );
  const patch = await (await fetch(`${bench.server.url}/jobs/${jobId}/patch`)).text();
  assert.match(patch, /^\+Half a note\.$/m);
  assert.deepEqual(bench.forge.pullRequests(repository.fullName), []);
});
