import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { labels } from '../../server/docker/container-spec.ts';
import { requireDocker } from '../support/docker.ts';
import { startFarEnds } from '../support/far-ends.ts';
import { eventsOf, postJob } from '../support/job-stream.ts';
import { startServerProcess } from '../support/server-process.ts';
import { quick, quickPrompt } from '../support/system.ts';

const setUp = async () => {
  await using stack = new AsyncDisposableStack();
  const farEnds = stack.use(await startFarEnds([quick]));
  const repository = await farEnds.forge.createRepository('acme/books', {
    files: { 'README.md': '# Books\n' },
  });
  const start = async (settings: Record<string, string>) =>
    stack.use(await startServerProcess({ ...farEnds.settings, ...settings }));
  const web = await start({ ROLE: 'web', DOCKER_HOST: 'unix:///nowhere' });
  const repoUrl = `${farEnds.forge.url}/${repository.fullName}`;
  const owned = stack.move();
  return { ...farEnds, repository, repoUrl, web, start, [Symbol.asyncDispose]: () => owned.disposeAsync() };
};

test('a server that only serves the API takes jobs and shows them, and another one runs them', async () => {
  await using site = await setUp();
  const response = await postJob(site.web.url, { repoUrl: site.repoUrl, prompt: quickPrompt });
  await site.start({ ROLE: 'worker' });
  const events = await Array.fromAsync(eventsOf(response));
  assert.partialDeepStrictEqual(events.at(-1), { type: 'Result', status: 'succeeded' });
  assert.deepEqual(
    events.map(({ id }) => id),
    events.map((_, index) => index + 1),
  );
});

test('a job that is cancelled while its worker is dead is taken back: no branch, no open pull request', async () => {
  await using site = await setUp();
  const serverId = `test-scaled-out-${process.pid}`;
  const worker = await site.start({ ROLE: 'worker', SERVER_ID: serverId });
  const asked = new EventTarget();
  site.forge.intercept(({ method, path }) => {
    if (method !== 'POST' || !path.endsWith('/pulls')) return undefined;
    asked.dispatchEvent(new Event('pull request'));
    return { afterwards: 'silence' };
  });
  const pullRequest = once(asked, 'pull request');
  const response = await postJob(site.web.url, { repoUrl: site.repoUrl, prompt: quickPrompt });
  const stream = eventsOf(response);
  const { value: first } = await stream.next();
  assert(first?.type === 'Job: Queued');
  const ended = Array.fromAsync(stream);
  await pullRequest;
  while (site.forge.pullRequests(site.repository.fullName).length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  worker.process.kill('SIGKILL');
  site.forge.intercept(undefined);
  assert.equal((await fetch(`${site.web.url}/jobs/${first.jobId}`, { method: 'DELETE' })).status, 202);

  await site.start({ ROLE: 'worker', SERVER_ID: serverId });
  const [pull] = site.forge.pullRequests(site.repository.fullName);
  assert.partialDeepStrictEqual((await ended).at(-1), {
    type: 'Result',
    status: 'cancelled',
    prUrl: pull?.htmlUrl ?? 'one',
    summary: 'The job was cancelled. Its pull request was closed.',
    saved: { prUrl: pull?.htmlUrl ?? 'one' },
  });
  const [closed, ...more] = site.forge.pullRequests(site.repository.fullName);
  assert.deepEqual([closed?.state, more.length], ['closed', 0]);
  assert.equal(await site.repository.git('for-each-ref', 'refs/heads/backspace'), '');
  const docker = await requireDocker();
  const filters = { label: [`${labels.job}=${first.jobId}`] };
  for (const until = performance.now() + 60_000; ; ) {
    if ((await docker.listContainers({ all: true, filters })).length === 0) break;
    assert.ok(performance.now() < until, 'its container is left');
  }
});
