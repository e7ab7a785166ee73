import os from 'node:os';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import type { Bench } from '../bench.ts';
import { timed } from '../measure.ts';
import { quantity } from '../report.ts';
import { dockerRun, specOf } from './docker-run.ts';
import { openProductionSandboxes, productionOptions } from './production.ts';

const count = 50;

/** Small, so that what they may take together is no more than the machine has; and patience, since all start at once. */
const changed = {
  ...{ SANDBOX_MEMORY_MB: '256', SANDBOX_WORKSPACE_MB: '64', SANDBOX_HOME_MB: '32', SANDBOX_TMP_MB: '32' },
  SANDBOX_START_SECONDS: '300',
};

/** Fifty sandboxes at once, until each has answered a command, against as many `docker run`. Once, whatever `rounds`. */
export const fifty: Bench = async (_rounds, signal) => {
  await using sandboxes = await openProductionSandboxes(changed);
  const spec = specOf(productionOptions(changed), sandboxes.serverId);

  const ours = await allAtOnce(async (started) => {
    const sandbox = await sandboxes.acquire('bench', signal);
    await firstCommand(sandbox, signal);
    return { ms: performance.now() - started, sandbox };
  });
  const goneMs = await timed(() =>
    Promise.all(ours.succeeded.map(({ sandbox }) => Promise.resolve(sandbox[Symbol.asyncDispose]()))),
  );
  const runs = await allAtOnce(() => dockerRun(spec, signal));

  const total = { name: `all ${count}`, unit: 'ms', ours: [ours.totalMs] } as const;
  const own = ours.succeeded.map(({ ms }) => ms);
  const answered = runs.succeeded.map(({ answeredMs }) => answeredMs);
  return {
    title: `${count} sandboxes at once`,
    about: `All acquired at the same moment, each with 256 MB, until every one has answered a command; against as many «docker run» as above,
until the last has ended and its container is removed. First the ones, then the others, once: what else the machine does
may hit one side only. «Each» is from that same moment to its own answer.`,
    rows: [
      { ...total, baseline: { name: 'docker run, all ended', samples: [runs.totalMs] } },
      { ...total, baseline: { name: 'docker run, all answered', samples: [Math.max(...answered)] } },
      { name: 'failures', unit: 'count', ours: [ours.failures.length], target: { p50Max: 0 } },
      {
        name: 'each',
        unit: 'ms',
        ours: own,
        baseline: { name: 'docker run, until it answers', samples: answered },
      },
    ],
    notes: [
      `A sandbox in ${quantity(ours.totalMs / count, 'ms')}, a «docker run» in ${quantity(runs.totalMs / count, 'ms')}. All sandboxes were removed in ${quantity(goneMs, 'ms')}.`,
      `The host’s available memory went down by at most ${quantity(ours.memoryMegabytes, 'MB')}, with «docker run» by ${quantity(runs.memoryMegabytes, 'MB')}.`,
      ...new Set([...ours.failures, ...runs.failures].map((failure) => `Failed: ${failure}`)),
    ],
  };
};

const firstCommand = async (sandbox: Sandbox, signal: AbortSignal): Promise<void> => {
  const { exitCode } = await sandbox.exec(
    { command: 'true', timeoutMs: 60_000, outputBytesMax: 1000 },
    signal,
  );
  if (exitCode !== 0) throw new Error(`true ended with ${exitCode}`);
};

/** Starts them all, waits for all, and looks meanwhile at what the host has left. */
const allAtOnce = async <T>(start: (started: number) => Promise<T>) => {
  const everyMs = 250;
  const availableBefore = os.freemem();
  let availableLeast = availableBefore;
  const looks = setInterval(() => {
    availableLeast = Math.min(availableLeast, os.freemem());
  }, everyMs);
  const started = performance.now();
  const settled = await Promise.allSettled(Array.from({ length: count }, () => start(started)));
  const totalMs = performance.now() - started;
  clearInterval(looks);
  return {
    totalMs,
    memoryMegabytes: (availableBefore - availableLeast) / 1e6,
    succeeded: settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
    failures: settled.flatMap((one) => (one.status === 'rejected' ? [`${one.reason}`] : [])),
  };
};
