import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireDocker } from '../docker.ts';
import { startFarEnds } from '../far-ends.ts';
import { eventsOf, postJob, type StreamedEvent } from '../job-stream.ts';
import type { ServerProcess } from '../server-process.ts';
import { type Crash, nameOf, ways } from './plan.ts';
import { assertPromises } from './promises.ts';
import { crashChecks, crashJob, crashPrompt } from './scenario.ts';
import { createServers } from './servers.ts';
import type { Site } from './site.ts';
import { layInWait, strikeAgain } from './strike.ts';
import { setTrap } from './trap.ts';

/** Servers on one database and one engine, a forge and a model. */
export type CrashSite = AsyncDisposable & {
  /** One job through one crash; throws when anything of it is not as promised. */
  run(crash: Crash): Promise<void>;
};

const endMs = 120_000;

/** With another program than the server's own where it is to be caught. */
export const openCrashSite = async (program?: string): Promise<CrashSite> => {
  const docker = await requireDocker();
  let onTurn = () => {};
  await using stack = new AsyncDisposableStack();
  const farEnds = stack.use(await startFarEnds([crashJob(() => onTurn())], 4));
  const repository = await farEnds.forge.createRepository('acme/books', {
    files: { 'README.md': '# Books\n' },
  });
  const id = `crash-${process.pid}`;
  const servers = createServers(farEnds, [`${id}-a`, `${id}-b`], program);
  stack.defer(() => servers.stopAll());
  // The first start makes the tables that the trap is set on.
  await servers.start(`${id}-a`);
  const trap = stack.use(await setTrap(farEnds.settings.DATABASE_URL ?? assert.fail()));
  const site: Site = {
    ...{ docker, farEnds, repository, servers, trap, ids: [`${id}-a`, `${id}-b`] },
    listenToModel: (listener) => {
      onTurn = listener;
    },
  };
  const owned = stack.move();
  return { run: (crash) => run(crash, site), [Symbol.asyncDispose]: () => owned.disposeAsync() };
};

const run = async (crash: Crash, site: Site): Promise<void> => {
  const { servers, trap, ids } = site;
  const [a, b] = ids;
  const needsTwo = crash.way === ways[2] || crash.way === ways[3];
  await servers.start(a);
  if (needsTwo) await servers.start(b);
  else await servers.stop(b);
  const [{ last } = { last: 0 }] = await trap.query<{ last: number }>(
    'SELECT coalesce(max(place), 0)::int AS last FROM jobs',
  );
  const requestsBefore = site.farEnds.forge.violations.length;
  let jobId: string | undefined;
  try {
    const signal = crash.way === ways[3] ? 'SIGSTOP' : 'SIGKILL';
    const struck = await layInWait(crash.point, crash.nth, site, signal);
    const posted = post(site, servers.get(a) ?? assert.fail());
    const id = await struck();
    await posted;
    if (crash.way === ways[1]) await strikeAgain(crash.again, id, site);
    if (!needsTwo) await servers.start(id);
    jobId = await acceptedJob(last, site);
    // What was lost before it was accepted, nobody was promised.
    if (jobId === undefined) {
      assert.match(crash.point.name, /job accepted/);
      return;
    }
    const events = await untilEnd(jobId, site);
    if (crash.way === ways[3]) {
      await servers.wake(id);
      // What it was about to do when it fell asleep, it tries now.
      await sleep(3000);
    }
    await assertPromises(jobId, events, site);
    assert.equal(site.farEnds.forge.violations.length, requestsBefore);
  } catch (error) {
    throw new Error(`${nameOf(crash)}, job ${jobId}\n${servers.logs()}`, { cause: error });
  } finally {
    site.listenToModel(() => {});
    site.farEnds.forge.intercept(undefined);
    for (const id of ids) await servers.wake(id);
  }
};

/** What a client does; its connection may break with its server. */
const post = async ({ farEnds, repository }: Site, server: ServerProcess): Promise<void> => {
  const repoUrl = `${farEnds.forge.url}/${repository.fullName}`;
  try {
    const response = await postJob(server.url, { repoUrl, prompt: crashPrompt, checks: crashChecks });
    await response.body?.cancel();
  } catch {
    // The server is gone: whether it has taken the job is to be seen.
  }
};

const acceptedJob = async (last: number, { trap }: Site): Promise<string | undefined> => {
  const [job] = await trap.query<{ id: string }>('SELECT id FROM jobs WHERE place > $1', [last]);
  return job?.id;
};

/** Reads the job's stream from whichever server is up, again and again until its end is there. */
const untilEnd = async (jobId: string, { servers }: Site): Promise<StreamedEvent[]> => {
  const until = performance.now() + endMs;
  for (;;) {
    const url = `${servers.any().url}/jobs/${jobId}/events`;
    // A stream is quiet for no longer than the job may take.
    const signal = AbortSignal.timeout(Math.max(1, Math.ceil(until - performance.now())));
    const events = await fetch(url, { signal })
      .then((response) => Array.fromAsync(eventsOf(response)))
      .catch((): StreamedEvent[] => []);
    const last = events.at(-1);
    if (last?.type === 'Result' || last?.type === 'Error') return events;
    assert.ok(performance.now() < until, `the job has not ended: ${JSON.stringify(events.slice(-3))}`);
    await sleep(200);
  }
};
