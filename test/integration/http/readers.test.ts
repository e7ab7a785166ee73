import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { resultFact } from '../../support/jobs.ts';
import { startRandom, times } from '../../support/sample.ts';
import { startBareStreams } from '../../support/streams/bare-streams.ts';
import { type CrowdSize, watchTogether, wronged } from '../../support/streams/crowd.ts';
import { startSource } from '../../support/streams/events-source.ts';
import { openStalled, placeOf } from '../../support/streams/watcher.ts';

const random = startRandom('readers');
const size: CrowdSize & { jobs: number; stalled: number } = {
  jobs: times(5, 20),
  watchers: times(150, 1000),
  stalled: times(15, 100),
  reconnects: times(200, 2000),
  eventsPerJob: times(40, 150),
  durationMs: times(3_000, 15_000),
};
/** More than the operating system keeps for a reader that takes nothing. */
const history = { events: 60, bytes: 100_000 };
/** The stalled begin with all of that, the others behind it: the job's first event and its history. */
const after = 1 + history.events;

test('every reader that stays gets every event once and in order, while others leave, come back or stall', async () => {
  await using source = await startSource(size.jobs, { READER_STALLED_SECONDS_MAX: '2' });
  const { server, jobs } = source;
  for (const job of jobs) {
    for (let n = 0; n < history.events; n += 1) {
      await job.append({ type: 'AI Message', message: 'x'.repeat(history.bytes) });
    }
  }
  const pid = Number(server.process.pid);
  const before = await socketsOf(pid);
  using stack = new DisposableStack();
  for (let n = 0; n < size.stalled; n += 1) {
    const socket = await openStalled(placeOf(server.url), String(source.ids[n % size.jobs]));
    stack.defer(() => socket.destroy());
  }
  const watching = new AbortController();
  stack.defer(() => watching.abort());
  const health = answersOfHealth(server.url, watching.signal);
  const byId = new Map(jobs.map((job) => [job.job.id, job]));
  const readers = await watchTogether(
    {
      url: server.url,
      jobIds: source.ids,
      after,
      append: async (jobId) => byId.get(jobId)?.append({ type: 'AI Message', message: 'told' }),
      end: source.end,
    },
    size,
    random,
  );
  assert.deepEqual(wronged(readers, after, after + size.eventsPerJob + 1), []);

  // The stalled ones hold nothing any more, and only they were dropped.
  for (const until = performance.now() + 20_000; performance.now() < until; await sleep(100)) {
    if (droppedIn(server.log()) >= size.stalled && (await socketsOf(pid)) <= before + 1) break;
  }
  assert.equal(droppedIn(server.log()), size.stalled);
  watching.abort();
  assert.deepEqual(new Set(await health), new Set([200]));
  // A connection of the health check may still be kept for its next request.
  assert.ok((await socketsOf(pid)) <= before + 1);
});

test('a stream that loses what comes between its look and its wait is seen', async () => {
  const weak = await watchBareStreams(5);
  assert.notDeepEqual(weak, []);
  assert.deepEqual(await watchBareStreams(), []);
});

/** The readers of a server without a store, whose look and wait are so far apart, that did not get what they should. */
const watchBareStreams = async (pauseMs?: number) => {
  await using bare = await startBareStreams(pauseMs);
  const jobIds = Array.from({ length: 5 }, (_, n) => `job-${n}`);
  const numbers = new Map(jobIds.map((jobId) => [jobId, 0]));
  const send = async (jobId: string, fact: object) => {
    const number = (numbers.get(jobId) ?? 0) + 1;
    numbers.set(jobId, number);
    bare.send(jobId, `id: ${number}\ndata: ${JSON.stringify(fact)}\n\n`);
  };
  const end = async () => {
    for (const jobId of jobIds) {
      await send(jobId, resultFact('succeeded'));
      bare.end(jobId);
    }
  };
  const crowd = { watchers: 150, reconnects: 200, eventsPerJob: 40, durationMs: 1500 };
  const append = (jobId: string) => send(jobId, { type: 'AI Message' });
  const readers = await watchTogether({ url: bare.url, jobIds, after: 0, append, end }, crowd, random);
  return wronged(readers, 0, crowd.eventsPerJob + 1);
};

const droppedIn = (log: string): number => log.split('a reader that took nothing was dropped').length - 1;

const socketsOf = async (pid: number): Promise<number> => {
  const names = await readdir(`/proc/${pid}/fd`);
  const targets = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return targets.filter((target) => target.startsWith('socket:')).length;
};

/** The readers live in this process, which sees an answer only when it has read for all of them. */
const answerMs = times(1000, 5000);

/** Asks ten times a second; 0 where no answer came in time. */
const answersOfHealth = async (url: string, signal: AbortSignal): Promise<number[]> => {
  const codes: number[] = [];
  while (!signal.aborted) {
    codes.push(await statusOf(`${url}/healthz`).catch(() => 0));
    await sleep(100);
  }
  return codes;
};

const statusOf = async (url: string): Promise<number> => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(answerMs) });
  await answer.arrayBuffer();
  return answer.status;
};
