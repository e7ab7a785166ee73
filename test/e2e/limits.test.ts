import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type JobBench, type Outcome, startJobBench } from '../support/job-bench.ts';
import { call, say, type Turn } from '../support/model/scenario.ts';

let bench: JobBench;
before(async () => {
  // Nobody has set a price for it.
  bench = await startJobBench(() => ({ MODEL: 'a-model-of-our-own' }));
});
after(() => bench[Symbol.asyncDispose]());

const repositoryOf = (name: string) =>
  bench.forge.createRepository(`acme/${name}`, { files: { 'README.md': '# Books\n' } });

const writes: Turn = {
  reply: [say('I begin with a note.'), call('write', { filepath: 'NOTES.md', content: 'Half a note.\n' })],
};
/** Looks at something else in every turn. */
const looks = (count: number): Turn[] =>
  Array.from({ length: count }, (_, n) => ({ reply: [call('list', { glob: `**/*.${n}` })] }));

const patchOf = async ({ jobId }: Outcome) => (await fetch(`${bench.server.url}/jobs/${jobId}/patch`)).text();
const nudgesOf = ({ events }: Outcome) =>
  events.flatMap((event) => (event.type === 'Agent: Nudged' ? [event.reason] : []));

test('a job at its turn limit that is asked for a patch ends with its error, and the patch is there', async () => {
  const repository = await repositoryOf('patch');
  const request = { limits: { turns: 3 }, onLimit: 'patch' };
  const outcome = await bench.run({ repository, turns: [writes, ...looks(9)], request });
  assert.partialDeepStrictEqual(outcome.last, {
    type: 'Error',
    code: 'turn_limit',
    message: 'The model was not done after 3 turns, which is the limit.',
    usage: { turns: 3 },
    saved: {},
  });
  assert.deepEqual(nudgesOf(outcome), ['limit_near']);
  assert.match(await patchOf(outcome), /^\+Half a note\.$/m);
  assert.deepEqual(bench.forge.pullRequests(repository.fullName), []);
});

test('a job at its turn limit that is asked for a draft opens one, and says that it is incomplete', async () => {
  const repository = await repositoryOf('draft');
  const request = { limits: { turns: 3 }, onLimit: 'draft' };
  const outcome = await bench.run({ repository, turns: [writes, ...looks(9)], request });
  const [pullRequest, ...others] = bench.forge.pullRequests(repository.fullName);
  assert.deepEqual(others, []);
  assert.partialDeepStrictEqual(pullRequest, { draft: true });
  assert.partialDeepStrictEqual(outcome.last, {
    type: 'Result',
    status: 'incomplete',
    prUrl: pullRequest?.htmlUrl ?? 'one',
    summary:
      'This work was stopped before it was done. The model was not done after 3 turns, which is the limit.',
    filesChanged: 1,
  });
  assert.match(pullRequest?.body ?? '', /stopped before it was done.*> I begin with a note\./s);
  assert.match(await patchOf(outcome), /^\+Half a note\.$/m);
});

test('a job at its turn limit that is asked for neither ends as a draft if its check passes, and with its error if not', async () => {
  const repository = await repositoryOf('neither');
  const atLimit = (check: string) =>
    bench.run({
      repository,
      turns: [writes, ...looks(9)],
      request: { limits: { turns: 2 }, checks: [check] },
    });

  const passing = await atLimit('test -s README.md');
  const [pullRequest, ...others] = bench.forge.pullRequests(repository.fullName);
  assert.deepEqual(others, []);
  assert.partialDeepStrictEqual(pullRequest, { draft: true, head: `backspace/${passing.jobId}` });
  assert.match(
    pullRequest?.body ?? '',
    /^> \[!WARNING\]\n> \*\*Not to be merged as it is\.\*\*\n> \n> The work is incomplete: The model was not done after 2 turns, which is the limit\. /,
  );
  assert.partialDeepStrictEqual(passing.last, {
    type: 'Result',
    status: 'incomplete',
    prUrl: pullRequest?.htmlUrl ?? 'one',
    checks: [{ command: 'test -s README.md', verdict: 'passed' }],
  });

  const failing = await atLimit('test ! -e NOTES.md');
  assert.partialDeepStrictEqual(failing.last, {
    type: 'Error',
    code: 'turn_limit',
    usage: { turns: 2 },
    saved: {},
  });
  const checked = failing.events.flatMap((event) => (event.type === 'Check: Finished' ? [event.status] : []));
  assert.deepEqual(checked, ['passed', 'failed']);
  assert.match(await patchOf(failing), /^\+Half a note\.$/m);
  assert.equal(bench.forge.pullRequests(repository.fullName).length, 1);
});

test('a job whose agent goes round in circles is ended, and its work is kept', async () => {
  const repository = await repositoryOf('stuck');
  const circle: Turn[] = Array.from({ length: 9 }, () => ({
    reply: [call('bash', { command: 'grep -r nothing . ; true' })],
  }));
  const outcome = await bench.run({ repository, turns: [writes, ...circle] });
  assert.partialDeepStrictEqual(outcome.last, { type: 'Error', code: 'agent_stuck', usage: { turns: 6 } });
  assert.deepEqual(nudgesOf(outcome), ['repetition']);
  assert.match(await patchOf(outcome), /^\+Half a note\.$/m);
});

test('a command that outlasts the agent’s time is stopped in time for what comes after it', async () => {
  const repository = await repositoryOf('time');
  const request = { limits: { minutes: 0.3 }, onLimit: 'draft' };
  const turns: Turn[] = [
    { reply: [call('bash', { command: 'echo kept >kept.txt; sleep 500', timeoutSeconds: 600 })] },
    // It is told to come to an end, and does not.
    { expect: /ran longer than/, reply: [call('bash', { command: 'sleep 501' })] },
  ];
  const outcome = await bench.run({ repository, turns, request });
  assert.deepEqual(nudgesOf(outcome), ['limit_near']);
  const [pullRequest] = bench.forge.pullRequests(repository.fullName);
  assert.partialDeepStrictEqual(outcome.last, {
    type: 'Result',
    status: 'incomplete',
    prUrl: pullRequest?.htmlUrl ?? 'one',
    filesChanged: 1,
  });
});

test('limits on single commands and their output are those of the request', async () => {
  const repository = await repositoryOf('commands');
  const turns: Turn[] = [
    { reply: [call('bash', { command: 'sleep 60' })] },
    { expect: /ran longer than 2 s/, reply: [call('bash', { command: 'seq 100000' })] },
    { expect: /bytes in the middle were left out/, reply: [say('Look\n\nI have seen it.')] },
  ];
  const outcome = await bench.run({
    repository,
    turns,
    request: { limits: { commandSeconds: 2, outputKb: 1 } },
  });
  assert.partialDeepStrictEqual(outcome.last, { type: 'Result', status: 'nothing_to_change' });
  const outputs = outcome.events.flatMap((event) =>
    event.type === 'Tool: Bash' ? [event.output.length] : [],
  );
  assert.ok(Math.max(...outputs) <= 1200, `${outputs}`);
});

test('a limit in money fails the job before anything is spent where the model has no price', async () => {
  const repository = await repositoryOf('price');
  const outcome = await bench.run({ repository, turns: [writes], request: { limits: { costUsd: 1 } } });
  assert.partialDeepStrictEqual(outcome.last, {
    type: 'Error',
    code: 'price_unknown',
    message:
      'The price of the model a-model-of-our-own is not known, so the job’s limit of $1 cannot be kept.',
    usage: { turns: 0 },
  });
  assert.equal(
    outcome.events.find(({ type }) => type === 'Sandbox: Starting'),
    undefined,
  );
});
