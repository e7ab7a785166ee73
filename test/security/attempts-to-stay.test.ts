import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { labels } from '../../server/docker/container-spec.ts';
import { requireDocker } from '../support/docker.ts';
import { type FarEnds, startFarEnds } from '../support/far-ends.ts';
import { eventsOf, postJob, type StreamedEvent } from '../support/job-stream.ts';
import { call, type Scenario, say } from '../support/model/scenario.ts';
import { commandOf } from '../support/security/attempt.ts';
import { type LeftBehind, leftBehind, nothingLeft } from '../support/security/left-behind.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

/** What a job leaves on the host whose agent has done what it can to stay: by its end, a cancel, and the server's death. */

const staying = call('bash', { command: commandOf('stay-after-the-end.py') });
const scenarios: Scenario[] = [
  { name: 'ends', when: 'Stay and end', turns: [{ reply: [staying] }, { reply: [say('Done.')] }] },
  {
    name: 'goes on',
    when: 'Stay and go on',
    turns: [{ reply: [staying] }, { reply: [call('bash', { command: 'sleep 300' })] }],
  },
];

let farEnds: FarEnds;
let settings: Record<string, string>;
let server: ServerProcess;
before(async () => {
  farEnds = await startFarEnds(scenarios);
  const directory = await mkdtemp(path.join(tmpdir(), 'attempts-to-stay-'));
  const own = { TMPDIR: directory, SERVER_ID: path.basename(directory) };
  settings = { ...farEnds.settings, ...own };
  await farEnds.forge.createRepository('acme/books', { files: { 'README.md': '# Books\n' } });
  server = await startServerProcess(settings);
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  await farEnds?.[Symbol.asyncDispose]();
  await rm(settings?.TMPDIR ?? '', { recursive: true, force: true });
});

/** A job in which the agent has made itself at home. */
const startJob = async (prompt: string) => {
  const docker = await requireDocker();
  const response = await postJob(server.url, { repoUrl: `${farEnds.forge.url}/acme/books`, prompt });
  const events = eventsOf(response);
  const until = async (type: StreamedEvent['type']) => {
    for (let next = await events.next(); !next.done; next = await events.next()) {
      if (next.value.type === type) return next.value;
    }
    return assert.fail(`no ${type} came:\n${server.log()}`);
  };
  const first = await until('Job: Queued');
  assert(first.type === 'Job: Queued');
  await until('Tool: Bash');
  const filters = { label: [`${labels.job}=${first.jobId}`] };
  const [container] = await docker.listContainers({ filters });
  const id = container?.Id ?? assert.fail('the job has no container');
  return { id: first.jobId, until, left: () => leftBehind(docker, id, settings.TMPDIR ?? '') };
};

const fetches = (): number =>
  farEnds.forge.requests.filter(({ path: asked }) => asked.endsWith('/info/refs')).length;

/** Waits for it, since processes take a moment to end; then nothing may come any more. */
const assertNothingLeft = async (...jobs: { left: () => Promise<LeftBehind> }[]): Promise<void> => {
  const look = () => Promise.all(jobs.map(({ left }) => left()));
  for (let waited = 0; waited < 20_000; waited += 200) {
    const found = await look();
    if (found.every(({ container, processes }) => !container && processes.length === 0)) break;
    await sleep(200);
  }
  const before = fetches();
  await sleep(1000);
  assert.deepEqual(
    await look(),
    jobs.map(() => nothingLeft),
  );
  assert.equal(fetches(), before);
};

test('nothing of a job is left when it has ended or was cancelled, though its agent wants to stay', async () => {
  const [cancelled, ended] = await Promise.all([startJob('Stay and go on'), startJob('Stay and end')]);
  await ended.until('Result');
  const asked = fetches();
  while (fetches() <= asked + 2) await sleep(50);
  const response = await fetch(`${server.url}/jobs/${cancelled.id}`, { method: 'DELETE' });
  assert.equal(response.status, 202);
  await cancelled.until('Result');
  await assertNothingLeft(ended, cancelled);
});

test('nothing is left of a job that is cancelled after its server was killed and another one has taken it up', async () => {
  const job = await startJob('Stay and go on');
  server.process.kill('SIGKILL');
  await server.stop();
  const { container, processes, files } = await job.left();
  assert.deepEqual(
    { container, processes: processes.length > 0, files: files.length > 0 },
    { container: true, processes: true, files: true },
  );
  server = await startServerProcess(settings);
  const response = await fetch(`${server.url}/jobs/${job.id}`, { method: 'DELETE' });
  assert.equal(response.status, 202);
  await assertNothingLeft(job);
});
