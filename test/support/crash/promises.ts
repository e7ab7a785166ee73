import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { labels } from '../../../server/docker/container-spec.ts';
import type { StreamedEvent } from '../job-stream.ts';
import { crashChecks, words } from './scenario.ts';
import type { Site } from './site.ts';

/** How long a container may outlive its job. */
const leftMs = 60_000;

const once = new Set([
  'Job: Queued',
  'Job: Started',
  'Agent: Nudged',
  'Git: Branch',
  'Git: Commit',
  'Git: Push',
  'PR: Created',
]);

export const assertPromises = async (jobId: string, events: StreamedEvent[], site: Site): Promise<void> => {
  const { farEnds, repository, docker, trap } = site;
  assert.deepEqual(
    events.map(({ id }) => id),
    events.map((_, index) => index + 1),
    'events are numbered without gap or repeat',
  );
  const told = events.filter(({ type }) => once.has(type)).map(({ type }) => type);
  assert.equal(new Set(told).size, told.length, `told twice: ${told}`);
  const calls = events.flatMap((event) =>
    event.type.startsWith('Tool: ') && event.type !== 'Tool: Output' && 'callId' in event
      ? [event.callId]
      : [],
  );
  assert.equal(new Set(calls).size, calls.length, 'a tool call was told twice');
  const [last, ...more] = events.filter(({ type }) => type === 'Result' || type === 'Error').toReversed();
  assert.deepEqual(more, []);
  const checks = crashChecks.map((command) => ({ command, verdict: 'passed' }));
  assert.partialDeepStrictEqual(last, { type: 'Result', status: 'succeeded', checks });

  const branch = `backspace/${jobId}`;
  const pulls = farEnds.forge.pullRequests(repository.fullName).filter(({ head }) => head === branch);
  assert.equal(pulls.length, 1, 'one pull request');
  const commits = await repository.git('rev-list', `main..refs/heads/${branch}`);
  const pushed = events.flatMap((event) => (event.type === 'Git: Push' ? [event.sha] : []));
  assert.deepEqual(commits.split('\n'), pushed, 'one commit');
  const log = await repository.git('show', `refs/heads/${branch}:log.txt`).catch(() => '');
  const lines = log.split('\n').filter(Boolean);
  assert.deepEqual(
    lines,
    words.filter((word) => lines.includes(word)),
    'a command ran twice',
  );
  const [stored] = await trap.query<{ state: string; count: number }>(
    `SELECT state, (SELECT count(*)::int FROM events WHERE job_id = id) AS count FROM jobs WHERE id = $1`,
    [jobId],
  );
  assert.deepEqual(stored, { state: 'succeeded', count: events.length });
  await untilNoContainer(jobId, docker);
};

const untilNoContainer = async (jobId: string, docker: Docker): Promise<void> => {
  const filters = { label: [`${labels.job}=${jobId}`] };
  for (const until = performance.now() + leftMs; ; await sleep(250)) {
    const left = await docker.listContainers({ all: true, filters });
    if (left.length === 0) return;
    assert.ok(performance.now() < until, `a container is left after ${leftMs / 1000} s`);
  }
};
