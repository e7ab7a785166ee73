import { connectEngine } from '../../server/docker/engine.ts';
import { createSandboxes } from '../../server/docker/sandboxes.ts';
import { sandboxImage, sandboxRuntime } from './docker.ts';
import { sandboxLimits } from './sandboxes.ts';

/**
 * `node abandoned-sandbox.ts SERVER_ID`: a server that takes one sandbox, says its id, and waits to be killed. The
 * sandbox is never disposed.
 */
const [serverId = ''] = process.argv.slice(2);
const sandboxes = createSandboxes(connectEngine(process.env.DOCKER_HOST || 'unix:///var/run/docker.sock'), {
  image: sandboxImage,
  runtime: sandboxRuntime,
  serverId,
  limits: { ...sandboxLimits, orphanSeconds: 30 },
  processId: 'abandoned',
  startMs: 60_000,
  lifetimeMs: 600_000,
  filesMax: 1000,
});
const sandbox = await sandboxes.acquire('abandoned', AbortSignal.timeout(60_000));
process.stdout.write(`${sandbox.id}\n`);
setInterval(() => {}, 1 << 30);
