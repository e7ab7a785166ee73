import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { labels } from '../../server/docker/container-spec.ts';
import { isTerminal } from '../../server/domain/job-event.ts';
import { type Composition, startComposition } from '../support/compose/composition.ts';
import { runDocker } from '../support/compose/docker-command.ts';
import { requireDocker } from '../support/docker.ts';
import { eventsOf, postJob, type StreamedEvent } from '../support/job-stream.ts';
import { interruptedPrompt, underWay } from '../support/scenarios/interrupted.ts';

const root = path.resolve(import.meta.dirname, '../..');
const jobMs = 180_000;

test('docker compose up runs a job to its pull request although its worker is killed, and down leaves nothing', async () => {
  const docker = await requireDocker();
  await using composition = await startComposition();
  const { url, apiKey, repoUrl } = composition;
  const body = { repoUrl, prompt: interruptedPrompt };
  const signal = AbortSignal.timeout(jobMs);

  assert.equal((await postJob(url, body, { signal })).status, 401);
  const events: StreamedEvent[] = [];
  let killed = '';
  for await (const event of eventsOf(await postJob(url, body, { apiKey, signal }))) {
    events.push(event);
    if (killed === '' && event.type === 'Tool: Output' && event.output.includes(underWay))
      killed = await composition.killWorkerOf(jobIdOf(events));
  }
  const jobId = jobIdOf(events);
  const last = events.at(-1);
  assert(last?.type === 'Result', `${JSON.stringify(events)}\n${await composition.logs()}`);

  assert.deepEqual(
    events.map(({ id }) => id),
    events.map((_, index) => index + 1),
  );
  const count = (type: StreamedEvent['type']) => events.filter((event) => event.type === type).length;
  assert.deepEqual(
    {
      resumed: events.flatMap((event) => (event.type === 'Job: Resumed' ? [event.reason] : [])),
      kept: count('Sandbox: Kept'),
      sandboxes: count('Sandbox: Ready'),
      pullRequests: count('PR: Created'),
      ends: events.filter(isTerminal).length,
    },
    { resumed: ['server_died'], kept: 1, sandboxes: 1, pullRequests: 1, ends: 1 },
  );

  const { pullRequests, ...outcome } = await composition.outcome();
  const branch = `backspace/${jobId}`;
  assert.deepEqual(
    {
      ...outcome,
      pullRequests: pullRequests.map(({ htmlUrl, head, state }) => ({ htmlUrl, head, state })),
    },
    {
      violations: [],
      branches: [{ name: branch, commits: 1 }],
      files: ['LIST.md'],
      pullRequests: [{ htmlUrl: last.prUrl, head: branch, state: 'open' }],
    },
  );
  const filters = { label: [`${labels.job}=${jobId}`] };
  assert.deepEqual(await docker.listContainers({ all: true, filters }), []);

  assert.deepEqual(await facesOf(composition), {
    web: { user: 'node', addresses: ['127.0.0.1'], secrets: ['API_KEYS'], sockets: ['/run/postgresql'] },
    worker: {
      user: 'node',
      addresses: [],
      secrets: ['ANTHROPIC_API_KEY', 'GITHUB_TOKEN'],
      sockets: ['/run/backspace', '/run/postgresql'],
    },
    postgres: { user: 'postgres', addresses: [], secrets: [], sockets: ['/var/run/postgresql'] },
  });
  await composition.stop('web');
  await composition.stop('worker');
  const ended = [...(await composition.inspect('web')), ...(await composition.inspect('worker'))];
  assert.deepEqual(
    ended.map(({ Id, State }) => [Id === killed ? 'killed' : 'stopped', State.ExitCode]).toSorted(),
    [
      ['killed', 137],
      ['stopped', 0],
      ['stopped', 0],
    ],
  );

  await composition.down();
  assert.deepEqual(await composition.parts(), []);
});

const jobIdOf = ([first]: StreamedEvent[]): string =>
  first?.type === 'Job: Queued' ? first.jobId : assert.fail(JSON.stringify(first));

/** What each service shows to whoever may attack it; all are hardened alike. */
const facesOf = async (composition: Composition) => {
  const faceOf = async (service: string) => {
    const [container, ...more] = await composition.inspect(service);
    assert(container);
    for (const { HostConfig } of [container, ...more]) {
      assert.deepEqual(
        [HostConfig.ReadonlyRootfs, HostConfig.CapDrop, HostConfig.SecurityOpt],
        [true, ['ALL'], ['no-new-privileges:true']],
      );
    }
    const { Config, Mounts, NetworkSettings } = container;
    const addresses = Object.values(NetworkSettings.Ports).flatMap((all) => all ?? []);
    const named = Config.Env.flatMap((line) => /^(\w*(?:KEYS?|TOKEN|PASSWORD))=./.exec(line)?.[1] ?? []);
    return {
      user: Config.User,
      addresses: addresses.map(({ HostIp }) => HostIp),
      secrets: named.toSorted(),
      sockets: Mounts.map(({ Destination }) => Destination)
        .filter((place) => place.includes('/run'))
        .toSorted(),
    };
  };
  return {
    web: await faceOf('web'),
    worker: await faceOf('worker'),
    postgres: await faceOf('postgres'),
  };
};

const keys = {
  ANTHROPIC_API_KEY: 'sk-ant-0123456789',
  GITHUB_TOKEN: 'ghp_0123456789',
  API_KEYS: '0123456789abcdef',
};

/** What `docker compose config` makes of the file alone. */
const configure = (environment: Record<string, string>, ...options: string[]): Promise<string> => {
  const file = path.join(root, 'docker-compose.yml');
  const command = [
    'compose',
    '--env-file',
    '/dev/null',
    '--file',
    file,
    ...options,
    'config',
    '--format',
    'json',
  ];
  return runDocker(command, { environment, timeoutMs: 30_000 });
};

test('docker compose says which key is missing and where it belongs', async () => {
  await configure(keys);
  for (const missing of ['ANTHROPIC_API_KEY', 'GITHUB_TOKEN']) {
    await assert.rejects(configure({ ...keys, [missing]: '' }), {
      message: new RegExp(`required variable ${missing} is missing a value: .+\\.env`),
    });
  }
});

test('with the profile tls Caddy stands before web, which answers with the public name', async () => {
  const parse = async (...args: Parameters<typeof configure>) =>
    JSON.parse(await configure(...args)).services;
  assert.equal((await parse(keys)).caddy, undefined);
  const { caddy, web } = await parse({ ...keys, DOMAIN: 'backspace.example.com' }, '--profile', 'tls');
  assert.deepEqual(
    [caddy.environment.DOMAIN, web.environment.PUBLIC_URL],
    ['backspace.example.com', 'https://backspace.example.com'],
  );
  const { web: named } = await parse({ ...keys, DOMAIN: 'a.example', PUBLIC_URL: 'https://b.example' });
  assert.equal(named.environment.PUBLIC_URL, 'https://b.example');
});
