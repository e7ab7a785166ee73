import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { runDocker } from './docker-command.ts';
import type { Outcome } from './far-ends.ts';
import { host, ports, repositoryName } from './far-ends-address.ts';

/** docker-compose.yml brought up under a name of its own, with the far ends beside the servers. */
export type Composition = AsyncDisposable & {
  /** Where the service `web` is published. */
  url: string;
  apiKey: string;
  /** The repository as the server knows it. */
  repoUrl: string;
  outcome(): Promise<Outcome>;
  /** What `docker inspect` says of the service's containers. */
  inspect(service: string): Promise<InspectedContainer[]>;
  /** Kills the container of the worker that has begun the job, as a crash would, and gives back its id. */
  killWorkerOf(jobId: string): Promise<string>;
  logs(): Promise<string>;
  /** As `docker compose stop` does it: with a signal and time to end. */
  stop(service: string): Promise<void>;
  /** Containers, networks and volumes of this composition that are there, in whichever state. */
  parts(): Promise<string[]>;
  /** Takes it down; a second time changes nothing. */
  down(): Promise<void>;
};

export type InspectedContainer = {
  Id: string;
  State: { ExitCode: number };
  Config: { User: string; Env: string[] };
  HostConfig: { NetworkMode: string; ReadonlyRootfs: boolean; CapDrop: string[]; SecurityOpt: string[] };
  Mounts: { Destination: string }[];
  NetworkSettings: { Ports: Record<string, { HostIp: string }[] | null> };
};

const root = path.resolve(import.meta.dirname, '../../..');
const files = ['docker-compose.yml', 'test/support/compose/override.yml'].map((file) =>
  path.join(root, file),
);
const buildMs = 300_000;
const upMs = 120_000;
const lookMs = 30_000;

export const startComposition = async (): Promise<Composition> => {
  const project = `tiny-backspace-test-${randomBytes(4).toString('hex')}`;
  const settings = {
    ANTHROPIC_API_KEY: `sk-ant-${randomBytes(16).toString('hex')}`,
    GITHUB_TOKEN: `ghp_${randomBytes(16).toString('hex')}`,
    API_KEYS: randomBytes(16).toString('hex'),
    ANTHROPIC_BASE_URL: `http://${host}:${ports.model}`,
    GITHUB_URL: `http://${host}:${ports.forge}`,
    GITHUB_API_URL: `http://${host}:${ports.forge}/api`,
    // One that is started ahead would outlive its killed worker for a minute.
    SANDBOX_POOL_SIZE: '0',
    // A free one.
    PORT: '0',
    TEST_USER: `${process.getuid?.()}:${process.getgid?.()}`,
    TEST_POSTGRES_IMAGE: await postgresImage(),
  };
  const compose = (args: string[], timeoutMs: number, network = 'default') =>
    runDocker([...composeCommand(project), ...args], {
      environment: { ...settings, TEST_BUILD_NETWORK: network },
      timeoutMs,
    });
  const logs = () => compose(['logs', '--no-color'], lookMs);
  const parts = () => partsOf(project);
  const down = async () => {
    await compose(['down', '--volumes', '--remove-orphans', '--timeout', '30'], upMs);
    await removeImages(project);
  };

  try {
    // In some networks a container of the builder's bridge cannot resolve names, although the host can.
    await compose(['build', 'web'], buildMs).catch(() => compose(['build', 'web'], buildMs, 'host'));
    const services = ['web', 'worker', 'far-ends'];
    await compose(['up', '--detach', '--no-build', '--wait', '--wait-timeout', '60', ...services], upMs);
  } catch (error) {
    const said = await logs().catch(String);
    await down();
    throw new Error(`The composition did not come up:\n${said}`, { cause: error });
  }
  const inspect = async (service: string): Promise<InspectedContainer[]> => {
    const ids = (await compose(['ps', '--all', '--quiet', service], lookMs)).split('\n');
    return JSON.parse(await runDocker(['inspect', ...ids], { timeoutMs: lookMs }));
  };
  return {
    url: `http://${await compose(['port', 'web', '8080'], lookMs)}`,
    apiKey: settings.API_KEYS,
    repoUrl: `${settings.GITHUB_URL}/${repositoryName}`,
    async outcome() {
      const url = `http://127.0.0.1:${ports.outcome}/`;
      return JSON.parse(await compose(['exec', '-T', 'far-ends', 'curl', '--silent', '--fail', url], lookMs));
    },
    inspect,
    async killWorkerOf(jobId) {
      for (const { Id } of await inspect('worker')) {
        if (!(await runDocker(['logs', Id], { timeoutMs: lookMs })).includes(jobId)) continue;
        await runDocker(['kill', '--signal', 'KILL', Id], { timeoutMs: lookMs });
        return Id;
      }
      throw new Error(`No worker has begun the job ${jobId}.`);
    },
    logs,
    async stop(service) {
      await compose(['stop', service], upMs);
    },
    parts,
    down,
    [Symbol.asyncDispose]: down,
  };
};

const postgresImage = async (): Promise<string> => {
  const script = path.join(import.meta.dirname, 'postgres-image.sh');
  return (await promisify(execFile)('bash', [script], { timeout: buildMs })).stdout.trim();
};

/** The two files alone: no .env of the developer's has a say. */
const composeCommand = (project: string): string[] => [
  'compose',
  ...['--project-name', project],
  ...['--project-directory', root],
  ...['--env-file', '/dev/null'],
  ...files.flatMap((file) => ['--file', file]),
];

const partsOf = async (project: string): Promise<string[]> => {
  const label = `label=com.docker.compose.project=${project}`;
  const lists = [
    ['ps', '--all', '--format', 'container {{.Names}}'],
    ['network', 'ls', '--format', 'network {{.Name}}'],
    ['volume', 'ls', '--format', 'volume {{.Name}}'],
  ];
  const found = await Promise.all(
    lists.map((list) => runDocker([...list, '--filter', label], { timeoutMs: lookMs })),
  );
  return found.flatMap((lines) => lines.split('\n').filter(Boolean));
};

const removeImages = async (project: string): Promise<void> => {
  const list = ['image', 'ls', '--quiet', '--filter', `reference=${project}/*`];
  const images = (await runDocker(list, { timeoutMs: lookMs })).split('\n').filter(Boolean);
  if (images.length > 0) await runDocker(['image', 'rm', '--force', ...images], { timeoutMs: lookMs });
};
