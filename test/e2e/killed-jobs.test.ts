import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireDocker } from '../support/docker.ts';
import { eventsOf, type StreamedEvent } from '../support/job-stream.ts';
import { watchLeftovers } from '../support/leftovers.ts';
import { type Random, startRandom, times } from '../support/sample.ts';
import { openSandboxes, soon } from '../support/sandboxes.ts';
import { busyJob, busyPrompt } from '../support/scenarios/busy-job.ts';
import { type StartedJob, type System, startSystem } from '../support/system.ts';

const docker = await requireDocker();

/** What is done to a job, and how many jobs it is done to: 6 under `npm test`, 50 in a full run. */
const ways = {
  cancel: times(1, 16),
  'leave and cancel': times(1, 8),
  'kill the container': times(1, 9),
  'kill the toolbox': times(1, 9),
  'stop the server': times(1, 4),
  'kill the server': times(1, 4),
};
type Way = keyof typeof ways;
type Killing = { way: Way; afterMs: number };

/** A job takes about six seconds, so some are over by then. */
const momentsMs = 8000;

const plan = (random: Random): Killing[] =>
  Object.entries(ways)
    .flatMap(([way, count]) => Array.from({ length: count }, () => ({ way: way as Way, at: random() })))
    .map(({ way, at }) => ({ way, afterMs: Math.round(at * momentsMs), place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ way, afterMs }) => ({ way, afterMs }));

/** How a job ended, as far as anybody could see. */
type Fate = 'succeeded' | 'cancelled';

const fateOf = (last: StreamedEvent): Fate => {
  if (last.type === 'Result' && (last.status === 'succeeded' || last.status === 'cancelled'))
    return last.status;
  return assert.fail(JSON.stringify(last));
};

const strike = async (system: System, job: StartedJob, { way, afterMs }: Killing): Promise<void> => {
  await sleep(afterMs);
  const inContainers = async (action: (id: string) => Promise<unknown>) => {
    // One that is not there yet, or not any more, cannot be killed.
    for (const id of await system.containers(job)) await action(id).catch(() => {});
  };
  switch (way) {
    case 'cancel':
      return void (await system.cancel(job));
    case 'leave and cancel':
      job.leave();
      await sleep(200);
      return void (await system.cancel(job));
    case 'kill the container':
      return inContainers((id) => docker.getContainer(id).kill());
    case 'kill the toolbox':
      return inContainers((id) => startExec(id, 'pkill', '-KILL', '-f', 'toolbox/calls'));
    case 'stop the server':
      return system.restart('SIGTERM');
    case 'kill the server':
      return system.restart('SIGKILL');
  }
};

const startExec = async (containerId: string, ...Cmd: string[]): Promise<void> => {
  const exec = await docker.getContainer(containerId).exec({ Cmd });
  const stream = await exec.start({ Detach: true });
  // Docker keeps the connection open, and that would keep the test.
  stream.destroy();
};

/** Whoever has left asks again, and so does whoever was cut off: the next server knows the job. */
const endOf = async (system: System, job: StartedJob, { way }: Killing): Promise<StreamedEvent> => {
  const until = performance.now() + 120_000;
  const seen = way === 'leave and cancel' ? undefined : await job.end().catch(() => undefined);
  for (let last = seen; ; await sleep(200)) {
    if (last?.type === 'Result' || last?.type === 'Error') return last;
    if (performance.now() > until) assert.fail(`${job.id} has not ended:\n${system.server.log()}`);
    last = await fetch(`${system.server.url}/jobs/${job.id}/events`)
      .then((response) => Array.fromAsync(eventsOf(response)))
      .then((events) => events.at(-1))
      .catch(() => undefined);
  }
};

/** What may come of a job that nobody but its own killing touches. */
const fates: Record<Way, Fate[]> = {
  cancel: ['cancelled', 'succeeded'],
  'leave and cancel': ['cancelled', 'succeeded'],
  'kill the container': ['succeeded'],
  'kill the toolbox': ['succeeded'],
  'stop the server': ['succeeded'],
  'kill the server': ['succeeded'],
};
const isServerWay = ({ way }: Killing) => way === 'stop the server' || way === 'kill the server';

test('of jobs that are killed at any moment, in any way, nothing is left, and no cancelled one opens a pull request', async () => {
  const serverId = `test-killed-${process.pid}`;
  const watch = await watchLeftovers(docker, serverId);
  const settings = { SERVER_ID: serverId, JOBS_RUNNING_MAX: '2' };
  await using system = await startSystem({ scenarios: [busyJob], settings, msPerEvent: 8, jobMs: 120_000 });
  const pullRequestsOf = ({ id }: StartedJob) =>
    system.forge.pullRequests(system.repository.fullName).filter(({ head }) => head === `backspace/${id}`)
      .length;
  const fateOfAll: { job: StartedJob; fate: Fate }[] = [];

  const killings = plan(startRandom('killed jobs'));
  for (let from = 0; from < killings.length; from += 2) {
    const pair = killings.slice(from, from + 2);
    const isServerHit = pair.some(isServerWay);
    const started = await Promise.all(
      pair.map(async (killing) => ({ killing, job: await system.start(busyPrompt) })),
    );
    await Promise.all(
      started.map(async ({ killing, job }) => {
        const ending = killing.way === 'leave and cancel' ? undefined : endOf(system, job, killing);
        await strike(system, job, killing).catch((error) => {
          // A server that is just away cannot be asked for anything.
          if (!isServerHit) throw error;
        });
        const fate = fateOf(await (ending ?? endOf(system, job, killing)));
        const told = `${killing.way} after ${killing.afterMs} ms: ${fate}\n${system.server.log()}`;
        assert.ok(fates[killing.way].includes(fate), told);
        if (fate === 'cancelled') assert.equal(pullRequestsOf(job), 0, told);
        fateOfAll.push({ job, fate });
      }),
    );
  }

  await watch.untilNone();
  for (const { job, fate } of fateOfAll) {
    const found = pullRequestsOf(job);
    assert.equal(found, fate === 'succeeded' ? 1 : 0, `${job.id} ${fate}`);
  }
  assert.equal(fateOfAll.length, killings.length);
  assert.deepEqual(system.forge.violations, []);
});

/** A process that says of itself what gVisor's says of a live sandbox, with the id of a container that is none. */
const startStray = (sandboxId: string) => {
  const isSentry = (line: string) => line.startsWith('runsc-sandbox') && line.includes(sandboxId);
  const line = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readLine(pid))
    .find(isSentry);
  const words = line?.replaceAll(sandboxId, randomBytes(32).toString('hex')).split('\0') ?? assert.fail();
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e9)', '--', ...words.slice(1, -1)], {
    argv0: 'runsc-sandbox',
    stdio: 'ignore',
  });
  return { pid: child.pid, [Symbol.dispose]: () => child.kill('SIGKILL') };
};

const readLine = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
};

test('the same look finds a container, an exec and a process that somebody has left', async () => {
  await using sandboxes = await openSandboxes();
  const watch = await watchLeftovers(docker, sandboxes.serverId);
  {
    await using sandbox = await sandboxes.acquire('job', soon());
    const container = { containers: [sandbox.id], execs: [], processes: [] };
    assert.deepEqual(await watch.look(), container);

    await startExec(sandbox.id, 'sleep', '300');
    assert.deepEqual(await watch.look(), { ...container, execs: ['sleep 300'] });

    using stray = startStray(sandbox.id);
    const seen = (await watch.look()).processes.map(({ pid }) => pid);
    assert.deepEqual(seen, [stray.pid]);
    await assert.rejects(watch.untilNone(0), /still there after 0 s: .*sleep 300/);
  }
  await watch.untilNone();
});
