import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireDocker } from '../support/docker.ts';
import { call, type Scenario, say, type Turn } from '../support/model/scenario.ts';
import { type StartedJob, type System, startSystem } from '../support/system.ts';

const prompt = 'Lose the sandbox';
const scenario = (...turns: Turn[]): Scenario => ({ name: 'lose', when: prompt, turns });
const bash = (command: string) => call('bash', { command });
const answer: Turn = { reply: [say('Change it\n\nIt is changed.')] };

const kill = async (system: System, job: StartedJob): Promise<void> => {
  const docker = await requireDocker();
  for (const id of await system.containers(job)) await docker.getContainer(id).kill();
};

const make = [
  "printf '#!/bin/sh\\n' >run.sh && chmod +x run.sh",
  'ln -s run.sh link',
  "printf '\\0\\1\\377' >binary",
  'mkdir -p größe && echo ü >größe/ü.txt',
  'git rm --quiet README.md',
].join(' && ');

test('a job whose container is killed in the middle of a command goes on with all that it had changed', async () => {
  await using system = await startSystem({
    scenarios: [
      scenario(
        { reply: [bash(make)] },
        { reply: [bash('sleep 600'), call('list', {})] },
        {
          expect: /The sandbox was lost: .*4 changed files, 1 deletions/s,
          reply: [bash('./run.sh && readlink link && cat größe/ü.txt && ls')],
        },
        { expect: /run\.sh\nü\nbinary\ngröße\nlink\nrun\.sh\n\[exit code 0/, ...answer },
      ),
    ],
  });
  const job = await system.start(prompt);
  await job.until('Tool: Bash');
  await sleep(1500);
  await kill(system, job);
  const killedAt = performance.now();
  const loss = await job.until('Sandbox: Lost');
  assert.ok(performance.now() - killedAt < 1000, `noticed after ${performance.now() - killedAt} ms`);
  assert.partialDeepStrictEqual(loss, { loss: 1, files: 4, deletions: 1 });
  assert.partialDeepStrictEqual(await job.end(), { type: 'Result', status: 'succeeded', filesChanged: 5 });
  const files = await system.repository.git('ls-tree', '-r', `backspace/${job.id}`);
  assert.deepEqual(
    files.split('\n').flatMap((line) => /^(\d+) .*\t(.*)$/.exec(line)?.slice(1).join(' ') ?? []),
    ['100644 binary', '100644 "gr\\303\\266\\303\\237e/\\303\\274.txt"', '120000 link', '100755 run.sh'],
  );
  const interrupted = job.events.find(
    (event) => event.type === 'Tool: Bash' && event.command === 'sleep 600',
  );
  assert.partialDeepStrictEqual(interrupted, { exitCode: null });
  assert.equal(typeof (interrupted as { error?: string }).error, 'string');
});

for (const { when, last } of [
  {
    when: 'the model thinks',
    last: { reply: [call('read', { filepath: 'NOTES.md' })], faults: [{ delayMs: 3000 }] },
  },
  { when: 'the model says that it is done', last: undefined },
]) {
  test(`a sandbox that is lost while ${when} is replaced without loss of work`, async () => {
    const ending = last ? [last, { expect: /The sandbox was lost: .*1 changed files/s, ...answer }] : [];
    const slowAnswer = { ...answer, faults: [{ delayMs: 3000 }] };
    await using system = await startSystem({
      scenarios: [
        scenario(
          { reply: [call('write', { filepath: 'NOTES.md', content: 'Read more.\n' })] },
          ...(last ? ending : [slowAnswer]),
        ),
      ],
    });
    const job = await system.start(prompt);
    while (system.model.requests.length < 2) await sleep(50);
    await sleep(1000);
    await kill(system, job);
    assert.partialDeepStrictEqual(await job.end(), { type: 'Result', status: 'succeeded', filesChanged: 1 });
    assert.partialDeepStrictEqual(
      job.events.filter(({ type }) => type === 'Sandbox: Lost'),
      [{ loss: 1, files: 1, deletions: 0 }],
    );
  });
}

test('a command that takes all memory loses the sandbox and not the job', async () => {
  await using system = await startSystem({
    scenarios: [
      scenario(
        { reply: [call('write', { filepath: 'NOTES.md', content: 'Read more.\n' })] },
        { reply: [bash('head -c 2G /dev/zero | tail -c 2G')] },
        { expect: /The sandbox was lost: .*1 changed files/s, ...answer },
      ),
    ],
    settings: {
      SANDBOX_MEMORY_MB: '512',
      SANDBOX_WORKSPACE_MB: '128',
      SANDBOX_HOME_MB: '32',
      SANDBOX_TMP_MB: '32',
    },
  });
  const job = await system.start(prompt);
  assert.partialDeepStrictEqual(await job.end(), { type: 'Result', status: 'succeeded', filesChanged: 1 });
  assert.equal(job.events.filter(({ type }) => type === 'Sandbox: Lost').length, 1);
});

test('a job that loses one sandbox more than it may fails and says how often', async () => {
  await using system = await startSystem({
    scenarios: [scenario({ reply: [bash('sleep 600')] }, { reply: [bash('sleep 600')] })],
    settings: { SANDBOX_LOSSES_MAX: '1' },
  });
  const job = await system.start(prompt);
  for (let loss = 1; loss <= 2; loss++) {
    while (system.model.requests.length < loss) await sleep(50);
    await sleep(1000);
    await kill(system, job);
    await job.until('Sandbox: Lost');
  }
  const last = await job.end();
  assert.partialDeepStrictEqual(last, { type: 'Error', code: 'sandbox_lost' });
  assert.match(last.type === 'Error' ? last.message : '', /^The job has lost its sandbox 2 times\./);
});

test('a full disk is an error of the command, and the sandbox stays', async () => {
  const full = 'for d in . /tmp ~; do head -c 2G /dev/zero >"$d/full" || echo "no space in $d"; done';
  await using system = await startSystem({
    scenarios: [
      scenario(
        { reply: [bash(full)] },
        {
          expect: /no space in .*no space in \/tmp.*no space in/s,
          reply: [call('write', { filepath: 'a', content: 'x'.repeat(9000) })],
        },
        {
          expect: /could not be written: ENOSPC/,
          reply: [bash('rm ./full /tmp/full ~/full'), call('write', { filepath: 'a', content: 'a\n' })],
        },
        {
          expect: /^Wrote a/m,
          reply: [
            call('edit', { filepath: 'a', old_str: 'a', new_str: 'b' }),
            call('read', { filepath: 'a' }),
          ],
        },
        { expect: /1\tb/, ...answer },
      ),
    ],
    settings: { SANDBOX_WORKSPACE_MB: '64', SANDBOX_HOME_MB: '32', SANDBOX_TMP_MB: '32' },
  });
  const job = await system.start(prompt);
  assert.partialDeepStrictEqual(await job.end(), { type: 'Result', status: 'succeeded', filesChanged: 1 });
  assert.deepEqual(
    job.events.filter(({ type }) => type === 'Sandbox: Lost'),
    [],
  );
});
