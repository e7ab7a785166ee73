import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { labels } from '../../server/docker/container-spec.ts';
import { startComposition } from '../support/compose/composition.ts';
import { runDocker } from '../support/compose/docker-command.ts';
import { requireDocker } from '../support/docker.ts';
import { eventsOf, postJob } from '../support/job-stream.ts';
import { addValidationPrompt } from '../support/scenarios/add-validation.ts';

const root = path.resolve(import.meta.dirname, '../..');
const jobMs = 180_000;

test('docker compose up runs a job from POST to pull request, and down leaves nothing', async () => {
  const docker = await requireDocker();
  await using composition = await startComposition();
  const { url, apiKey, repoUrl } = composition;
  const body = { repoUrl, prompt: addValidationPrompt };
  const signal = AbortSignal.timeout(jobMs);

  assert.equal((await postJob(url, body, { signal })).status, 401);
  const events = await Array.fromAsync(eventsOf(await postJob(url, body, { apiKey, signal })));
  const [first, last] = [events[0], events.at(-1)];
  assert(first?.type === 'Job: Queued', await composition.logs());
  assert(last?.type === 'Result', `${JSON.stringify(last)}\n${await composition.logs()}`);

  const { pullRequests, files, violations } = await composition.outcome();
  assert.deepEqual(
    {
      violations,
      files: files.length,
      pullRequests: pullRequests.map(({ htmlUrl, head, state }) => ({ htmlUrl, head, state })),
    },
    {
      violations: [],
      files: last.filesChanged,
      pullRequests: [{ htmlUrl: last.prUrl, head: `backspace/${first.jobId}`, state: 'open' }],
    },
  );

  const published = await composition.inspect('server');
  await composition.stop('server');
  const { State, Config, HostConfig } = await composition.inspect('server');
  assert.deepEqual(
    {
      user: Config.User,
      capabilities: HostConfig.CapDrop,
      readOnly: HostConfig.ReadonlyRootfs,
      options: HostConfig.SecurityOpt,
      addresses: Object.values(published.NetworkSettings.Ports).flatMap((all) =>
        all?.map(({ HostIp }) => HostIp),
      ),
      exitCode: State.ExitCode,
    },
    {
      user: 'node',
      capabilities: ['ALL'],
      readOnly: true,
      options: ['no-new-privileges:true'],
      addresses: ['127.0.0.1'],
      exitCode: 0,
    },
  );

  await composition.down();
  const filters = { label: [`${labels.job}=${first.jobId}`] };
  assert.deepEqual(
    { parts: await composition.parts(), sandboxes: await docker.listContainers({ all: true, filters }) },
    { parts: [], sandboxes: [] },
  );
});

test('docker compose says which key is missing and where it belongs', async () => {
  const keys = {
    ANTHROPIC_API_KEY: 'sk-ant-0123456789',
    GITHUB_TOKEN: 'ghp_0123456789',
  };
  const file = path.join(root, 'docker-compose.yml');
  const config = ['compose', '--env-file', '/dev/null', '--file', file, 'config', '--quiet'];

  await runDocker(config, { environment: keys, timeoutMs: 30_000 });
  for (const missing of Object.keys(keys)) {
    const environment = { ...keys, [missing]: '' };
    await assert.rejects(runDocker(config, { environment, timeoutMs: 30_000 }), {
      message: new RegExp(`required variable ${missing} is missing a value: .+\\.env`),
    });
  }
});
