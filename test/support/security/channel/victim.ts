import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createOpenEgress } from '../../../../server/docker/egress/open-egress.ts';
import { connectEngine } from '../../../../server/docker/engine.ts';
import { createSandboxes } from '../../../../server/docker/sandboxes.ts';
import type { Sandbox, WayOut } from '../../../../server/domain/sandbox.ts';
import { createGateway } from '../../../../server/github/gateway.ts';
import { egressLimits } from '../../../../server/options.ts';
import { sandboxImage, sandboxRuntime } from '../../docker.ts';
import { sandboxLimits, shell, soon } from '../../sandboxes.ts';
import { attack } from './attack.ts';
import type { Behaviour } from './behaviour.ts';
import { createWeakSandboxes, type Weakness } from './weak-sandboxes.ts';

/**
 * `node victim.ts SETTINGS`: a process with the production sandboxes, that answers /healthz and attacks itself as it is
 * told on its channel to the parent. What the parent asks about it, it asks from outside.
 */
export type VictimSettings = {
  serverId: string;
  gitHubUrl: string;
  token: string;
  /** What the neighbour works on; nobody else may see it. */
  neighbourSecret: string;
  weakness?: Weakness;
};

const settings = JSON.parse(process.argv[2] ?? '') as VictimSettings;
const docker = connectEngine(process.env.DOCKER_HOST || 'unix:///var/run/docker.sock');
const options = {
  image: sandboxImage,
  runtime: sandboxRuntime,
  serverId: settings.serverId,
  processId: 'victim',
  limits: { ...sandboxLimits, orphanSeconds: 300 },
  startMs: 120_000,
  lifetimeMs: 1_800_000,
  filesMax: 10_000,
};
const sandboxes = settings.weakness
  ? createWeakSandboxes(docker, options, settings.weakness)
  : createSandboxes(docker, options);
const acquire = () => sandboxes.acquire('victim', AbortSignal.timeout(120_000));

/** One is started ahead, while the one before is attacked. */
let ahead: Promise<Sandbox> | undefined;
const take = async (): Promise<Sandbox> => {
  const taken = ahead ?? acquire();
  ahead = undefined;
  return taken;
};
const startAhead = () => {
  ahead ??= acquire();
  ahead.catch(() => {});
};

/** An ordinary piece of work: an edit, a command, a list. */
const work = async (neighbour: Sandbox): Promise<number> => {
  const started = performance.now();
  const { neighbourSecret: secret } = settings;
  await neighbour.write({ filepath: 'a.txt', content: `one ${secret}\n` }, soon());
  await neighbour.edit({ filepath: 'a.txt', edits: [{ old_str: 'one', new_str: 'two' }] }, soon());
  const said = await shell(neighbour, 'cat a.txt');
  const listed = await neighbour.list({ filesMax: 10 }, soon());
  if (said !== `two ${secret}` || !listed.ok || listed.paths.join() !== 'a.txt')
    throw new Error(`The neighbour is harmed: ${said}, ${JSON.stringify(listed)}`);
  return Math.round(performance.now() - started);
};

/** One piece after the other, also while several sandboxes are attacked at once. */
let working: Promise<number> = Promise.resolve(0);
const workUntil = async (neighbour: Sandbox, attacked: Promise<unknown>): Promise<number[]> => {
  const pauseMs = 50;
  const took: number[] = [];
  let goesOn = true;
  const stop = () => {
    goesOn = false;
  };
  attacked.then(stop, stop);
  do {
    working = working.then(() => work(neighbour));
    took.push(await working);
    await sleep(pauseMs);
  } while (goesOn);
  return took;
};

/** Production's own deciders, with a repository at the parent's and a host that may be reached and is not. */
const production = (): WayOut => {
  const base = { repositoryId: 1, repository: { owner: 'acme', name: 'shop' }, branch: 'main' };
  const gateway = createGateway(
    {
      ...{ url: settings.gitHubUrl, apiUrl: settings.gitHubUrl, wayOutUrl: '', token: settings.token },
      ...{ userAgent: 'victim', temporaryDirectory: '/nowhere', limits: gatewayLimits },
    },
    { ...base, private: false, commit: 'a'.repeat(40) },
    () => {},
  );
  const network = {
    ...{ limits: egressLimits, resolve: async () => ['140.82.112.3'] },
    dial: () => Promise.reject(new Error('Nobody is dialled here.')),
  };
  return createOpenEgress({ allow: undefined, allowPrivate: false, publicIsForAll: true }, network)(
    { private: false },
    () => {},
  ).guard(gateway);
};

const gatewayLimits = {
  ...{ gatewayBytesMax: 64 << 20, gatewayMs: 60_000, gatewayRequestsMax: 200, gatewayRequestsAtOnceMax: 4 },
  ...{ cloneMs: 60_000, packBytesMax: 1, packObjectsMax: 1, objectBytesMax: 1, treeDepthMax: 1 },
  ...{ basePathsMax: 1, apiTimeoutMs: 1000 },
};

const health = createServer((_request, response) => response.end('ok'));
health.listen(0, '127.0.0.1');
await once(health, 'listening');
const neighbour = await acquire();
for (let warm = 0; warm < 5; warm++) await work(neighbour);

process.on('message', async ({ id, behaviour }: { id: number; behaviour: Behaviour }) => {
  try {
    const sandbox = await take();
    if (!(behaviour.session === 'calls' && behaviour.slow)) startAhead();
    const attacked = attack(sandbox, behaviour, production());
    const [neighbourMs, outcome] = await Promise.all([workUntil(neighbour, attacked), attacked]);
    process.send?.({ id, outcome: { ...outcome, neighbourMs } });
    await sandbox[Symbol.asyncDispose]();
  } catch (error) {
    process.send?.({ id, failed: error instanceof Error ? error.stack : String(error) });
  }
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port: (health.address() as AddressInfo).port });
