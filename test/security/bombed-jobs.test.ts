import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireDocker } from '../support/docker.ts';
import { type LeftoverWatch, watchLeftovers } from '../support/leftovers.ts';
import { call, type Scenario, say, type Turn } from '../support/model/scenario.ts';
import { sample, startRandom } from '../support/sample.ts';
import { type StartedJob, type System, startSystem } from '../support/system.ts';

const bash = (command: string) => call('bash', { command });
const write = call('write', { filepath: 'NOTES.md', content: 'Read more.\n' });
const lost = /The sandbox was lost: .*1 changed files/s;

/** Commands of a job's agent, and what it is told of them. */
const bombs: { name: string; command: string; timeoutSeconds?: number; told: RegExp }[] = [
  {
    name: 'a fork bomb',
    command: ':(){ :|:& };:; sleep 60',
    told: /\[stopped, with everything that it started: it ran longer than 6 s|The sandbox was lost/,
  },
  { name: 'a memory bomb', command: `python3 -c "b = bytearray(1 << 30); print('survived')"`, told: lost },
  {
    name: 'a million files',
    timeoutSeconds: 120,
    command: `python3 -c "
import os
for d in range(1000):
  os.mkdir(f'd{d}')
  for f in range(1000): os.close(os.open(f'd{d}/f{f}', os.O_CREAT))
print('survived')"`,
    told: lost,
  },
  {
    name: 'output of 10 GB',
    command: 'head -c 10G /dev/zero',
    told: /\[\d{8,} bytes in the middle were left out; the whole output is in \/tmp\/.*it ran longer than 6 s/s,
  },
];

const done = say('Add notes\n\nOne line of them.');

/** What was written before is there behind the bomb, wherever the job goes on. */
const bombed = ({ name, told, ...input }: (typeof bombs)[number]): Scenario => ({
  name,
  when: `Survive ${name}.`,
  turns: [
    { reply: [write] },
    { reply: [call('bash', input)] },
    { expect: told, reply: [bash('cat NOTES.md; rm -rf d*; ls')] },
    { expect: /Read more\.\nNOTES\.md\nREADME\.md\n\[exit code 0/, reply: [done] },
  ],
});

const sparsePrompt = 'Leave a sparse file.';
const sparse: Scenario = {
  name: 'a sparse file',
  when: sparsePrompt,
  turns: [{ reply: [write, bash('truncate -s 40G disk.img')] }, { expect: /exit code 0/, reply: [done] }],
};

const besidePrompt = 'Work beside it.';
const steps = 6;
const step = (number: number): Turn => ({
  ...(number > 1 ? { expect: new RegExp(`line ${number - 1}\\n.*NOTES\\.md`, 's') } : {}),
  reply: [
    call('edit', { filepath: 'NOTES.md', old_str: 'Read more.', new_str: `Read more.\nline ${number}` }),
    bash(`sleep 0.5; seq 100000 | sort -n >/dev/null; grep 'line ${number}' NOTES.md`),
    call('list', {}),
  ],
});
const beside: Scenario = {
  name: 'beside',
  when: besidePrompt,
  turns: [
    { reply: [write] },
    ...Array.from({ length: steps }, (_, index) => step(index + 1)),
    { expect: new RegExp(`line ${steps}\\n`), reply: [done] },
  ],
};

const serverId = `test-bombed-${process.pid}`;
const settings = {
  SERVER_ID: serverId,
  JOBS_RUNNING_MAX: '2',
  SANDBOX_MEMORY_MB: '512',
  SANDBOX_WORKSPACE_MB: '384',
  SANDBOX_HOME_MB: '32',
  SANDBOX_TMP_MB: '64',
  SANDBOX_PROCESSES_MAX: '64',
  // Of the fork bomb, and of the output that would take minutes.
  COMMAND_SECONDS: '6',
};

let system: System;
let watch: LeftoverWatch;
before(async () => {
  watch = await watchLeftovers(await requireDocker(), serverId);
  const scenarios = [...bombs.map(bombed), sparse, beside];
  // A million files take a while, and so does the end of a fork bomb where the machine is busy.
  system = await startSystem({ scenarios, settings, jobMs: 240_000 });
});
after(() => system?.[Symbol.asyncDispose]());

const succeeded = async (job: StartedJob): Promise<void> => {
  assert.partialDeepStrictEqual(await job.end(), { type: 'Result', status: 'succeeded', filesChanged: 1 });
};
const losses = ({ events }: StartedJob) => events.filter(({ type }) => type === 'Sandbox: Lost').length;

const residentBytes = ({ server }: System): number => {
  const status = readFileSync(`/proc/${server.process.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) << 10;
};

/** How much the server has grown at most until the promise settles. */
const grownBytes = async (whatever: Promise<unknown>): Promise<number> => {
  const bytesBefore = residentBytes(system);
  let [peak, isOver] = [bytesBefore, false];
  const over = whatever.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    peak = Math.max(peak, residentBytes(system));
    await Promise.race([over, sleep(100)]);
  }
  return peak - bytesBefore;
};

for (const { name } of sample(bombs, 1, startRandom('bombed jobs'))) {
  test(`a job with ${name} goes on to its pull request, and so does the one beside it`, async () => {
    const logged = system.server.log().length;
    const [job, other] = [await system.start(`Survive ${name}.`), await system.start(besidePrompt)];
    const grown = await grownBytes(Promise.all([succeeded(job), succeeded(other)]));
    assert.ok(grown < 150 << 20, `the server grew by ${grown >> 20} MB`);
    assert.ok(losses(job) <= 1);
    assert.equal(losses(other), 0);
    const heads = system.forge.pullRequests(system.repository.fullName).map(({ head }) => head);
    for (const { id } of [job, other]) assert.ok(heads.includes(`backspace/${id}`));
    assert.doesNotMatch(system.server.log().slice(logged), /"level":"error"/);
  });
}

test('a job that leaves a sparse file of 40 GB fails, and says which file it was', async () => {
  const job = await system.start(sparsePrompt);
  const message = 'With disk.img (42949672960 bytes) the files are larger than the workspace.';
  assert.partialDeepStrictEqual(await job.end(), { type: 'Error', code: 'changeset_refused', message });
});

test('when these jobs are over nothing of them is left on the host', async () => {
  await watch.untilNone();
});
