import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { labels } from '../../../server/docker/container-spec.ts';
import { requireDocker } from '../docker.ts';
import { type FarEnds, startFarEnds } from '../far-ends.ts';
import type { ForgeRepository } from '../forge/forge.ts';
import { eventsOf, postJob, type StreamedEvent } from '../job-stream.ts';
import type { Random } from '../sample.ts';
import { type ServerProcess, startServerProcess } from '../server-process.ts';
import { type Point, points } from './points.ts';
import { crashChecks, crashJob, crashPrompt, words } from './scenario.ts';
import { type Caught, setTrap, type Trap } from './trap.ts';

/** What becomes of the job when its server is struck. */
export const ways = [
  'its server starts again',
  'its server starts again, and is struck once more',
  'another server is there',
  'its server only sleeps, and another one is there',
] as const;
export type Way = (typeof ways)[number];

export type Crash = { point: Point; nth: number; way: Way; again: Point };

/** A server that is just starting holds nothing yet: what it writes by then cannot be told from what it writes later. */
const laterPoints = points.filter(({ name }) => !/«(job accepted|claim|lease renewed)»/.test(name));

/** So many crashes, each point and way as often as the others, in an order of chance. */
export const planCrashes = (count: number, random: Random): Crash[] => {
  const shuffled = [...points.keys()].map((index) => ({ index, place: random() }));
  shuffled.sort((a, b) => a.place - b.place);
  const from = Math.floor(random() * ways.length);
  return Array.from({ length: count }, (_, run) => {
    const point = points[shuffled[run % points.length]?.index ?? 0] ?? assert.fail();
    return {
      point,
      nth: 1 + Math.floor(random() * point.times),
      way: ways[(from + run + Math.floor(run / points.length)) % ways.length] ?? ways[0],
      again: laterPoints[Math.floor(random() * laterPoints.length)] ?? assert.fail(),
    };
  });
};

export const nameOf = ({ point, nth, way, again }: Crash): string => {
  const where = point.times > 1 ? `${point.name} (${nth})` : point.name;
  return `${where}: ${way}${way === ways[1] ? ` ${again.name}` : ''}`;
};

/** Servers on one database and one engine, a forge and a model. */
export type CrashSite = AsyncDisposable & {
  /** One job through one crash; throws when anything of it is not as promised. */
  run(crash: Crash): Promise<void>;
};

const springMs = 30_000;
const endMs = 120_000;
/** How long a container may outlive its job. */
const leftMs = 60_000;

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

type Site = {
  docker: Docker;
  farEnds: FarEnds;
  repository: ForgeRepository;
  servers: Servers;
  trap: Trap;
  ids: [string, string];
  listenToModel(listener: () => void): void;
};

/** Server processes by their ids. */
type Servers = {
  start(id: string): Promise<void>;
  /** One that is up. */
  any(): ServerProcess;
  get(id: string): ServerProcess | undefined;
  strike(id: string, signal: 'SIGKILL' | 'SIGSTOP'): void;
  wake(id: string): Promise<void>;
  stop(id: string): Promise<void>;
  stopAll(): Promise<void>;
  logs(): string;
};

const createServers = (farEnds: FarEnds, ids: readonly string[], program?: string): Servers => {
  const up = new Map<string, ServerProcess>();
  const asleep = new Map<string, ServerProcess>();
  const logs: string[] = [];
  const forget = (id: string) => {
    const server = up.get(id);
    if (server) logs.push(`--- ${id}\n${server.log()}`);
    up.delete(id);
    return server;
  };
  return {
    async start(id) {
      if (up.has(id)) return;
      const settings = { ...farEnds.settings, SERVER_ID: id, STOP_GRACE_SECONDS: '0' };
      // So that whoever is caught at a write can be told by its connection.
      const url = `${farEnds.settings.DATABASE_URL}&application_name=${id}`;
      up.set(id, await startServerProcess({ ...settings, DATABASE_URL: url }, undefined, program));
    },
    any: () => [...up.values()][0] ?? assert.fail('no server is up'),
    get: (id) => up.get(id),
    strike(id, signal) {
      const server = forget(id) ?? assert.fail(`${id} is not up`);
      server.process.kill(signal);
      if (signal === 'SIGSTOP') asleep.set(id, server);
    },
    async wake(id) {
      const server = asleep.get(id);
      if (!server) return;
      asleep.delete(id);
      server.process.kill('SIGCONT');
      up.set(id, server);
    },
    async stop(id) {
      await forget(id)?.stop('SIGTERM');
    },
    async stopAll() {
      for (const server of asleep.values()) server.process.kill('SIGKILL');
      for (const id of ids) await forget(id)?.stop('SIGTERM');
    },
    logs: () => [...logs, ...[...up].map(([id, server]) => `--- ${id}\n${server.log()}`)].join('\n'),
  };
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

/**
 * Gets ready to strike whoever holds the newest job, or the server that was asked to take it. What comes back resolves
 * with that server's id when it is struck.
 */
const layInWait = async (
  point: Point,
  nth: number,
  site: Site,
  how: 'SIGKILL' | 'SIGSTOP',
  timeoutMs = springMs,
): Promise<() => Promise<string>> => {
  const { servers, trap, ids } = site;
  const signal = AbortSignal.timeout(timeoutMs);
  const holder = async (): Promise<string> => {
    const [job] = await trap.query<{ server_id: string | null }>(
      `SELECT server_id FROM jobs WHERE state IN ('queued', 'running') ORDER BY place DESC LIMIT 1`,
    );
    const id = job?.server_id ?? ids[0];
    return servers.get(id) ? id : (ids.find((other) => servers.get(other)) ?? assert.fail());
  };
  const strike: Strike = async (named) => {
    const id = named ?? (await holder());
    servers.strike(id, how);
    return id;
  };
  switch (point.at) {
    case 'database': {
      await trap.arm(point.write, nth);
      return async () => strikeAtWrite(await trap.caught(signal), point, strike);
    }
    case 'forge':
      return ready(strikeAtRequest(point, nth, site, strike, signal));
    case 'model':
      return ready(strikeAtTurn(point, nth, site, strike, signal));
    case 'docker':
      return ready((await strikeAtAction(point, site, strike, signal)).struck);
  }
};

/** Its failure is for whoever asks for it, and until then nobody's. */
const ready = (struck: Promise<string>): (() => Promise<string>) => {
  struck.catch(() => {});
  return () => struck;
};

type At<Where extends Point['at']> = Extract<Point, { at: Where }>;
/** Strikes this server, or else whichever has the job. */
type Strike = (id?: string) => Promise<string>;

const strikeAtWrite = async (caught: Caught, { then }: At<'database'>, strike: Strike): Promise<string> => {
  const id = await strike(caught.by);
  await (then === 'lands' ? caught.land() : caught.lose());
  return id;
};

const strikeAtRequest = (
  { request, when }: At<'forge'>,
  nth: number,
  { farEnds }: Site,
  strike: Strike,
  signal: AbortSignal,
): Promise<string> =>
  within(signal, (resolve, reject) => {
    let passed = 0;
    farEnds.forge.intercept(({ method, path }) => {
      if (!request.test(`${method} ${path}`)) return undefined;
      passed += 1;
      if (passed !== nth) return undefined;
      // Time for it to be performed, while its sender waits for the answer.
      const performedMs = when === 'after' ? 300 : 0;
      void sleep(performedMs)
        .then(() => strike())
        .then(resolve, reject);
      return when === 'after' ? { afterwards: 'silence' } : { instead: 'drop' };
    });
  });

const strikeAtTurn = (
  { when }: At<'model'>,
  nth: number,
  site: Site,
  strike: Strike,
  signal: AbortSignal,
): Promise<string> =>
  within(signal, (resolve, reject) => {
    let turns = 0;
    site.listenToModel(() => {
      turns += 1;
      if (turns !== nth) return;
      const speaksMs = when === 'during' ? 25 : 0;
      void sleep(speaksMs)
        .then(() => strike())
        .then(resolve, reject);
    });
  });

const strikeAtAction = async (
  { action }: At<'docker'>,
  { docker, ids }: Site,
  strike: Strike,
  signal: AbortSignal,
): Promise<{ struck: Promise<string> }> => {
  const label = labels.server;
  const events = (await docker.getEvents({
    filters: { type: ['container'], label: [label] },
  })) as NodeJS.ReadableStream & { destroy(): void };
  const struck = within<string>(signal, (resolve, reject) => {
    let isStruck = false;
    events.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().split('\n').filter(Boolean)) {
        const { Action, Actor } = JSON.parse(line) as {
          Action: string;
          Actor: { Attributes: Record<string, string> };
        };
        // The doctor’s own sandboxes are of no job.
        const isJobs = /^[0-9a-f]{16}$/.test(Actor.Attributes[labels.job] ?? '');
        const isOurs = ids.includes(Actor.Attributes[label] ?? '');
        if (isStruck || !isJobs || !isOurs || Action.split(':')[0] !== action) continue;
        isStruck = true;
        strike().then(resolve, reject);
      }
    });
  });
  return { struck: struck.finally(() => events.destroy()) };
};

const within = <T>(
  signal: AbortSignal,
  executor: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> =>
  new Promise((resolve, reject) => {
    signal.addEventListener('abort', () =>
      reject(new Error('the point was not passed', { cause: signal.reason })),
    );
    executor(resolve, reject);
  });

/** The job may be over before it comes to this point once more: then it was struck once. */
const strikeAgain = async (point: Point, id: string, site: Site): Promise<void> => {
  const recoveryMs = 6000;
  const struck = await layInWait(point, 1, site, 'SIGKILL', recoveryMs);
  await site.servers.start(id);
  await struck().catch(() => undefined);
  await site.trap.disarm();
  site.farEnds.forge.intercept(undefined);
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

const once = new Set([
  'Job: Queued',
  'Job: Started',
  'Agent: Nudged',
  'Git: Branch',
  'Git: Commit',
  'Git: Push',
  'PR: Created',
]);

const assertPromises = async (jobId: string, events: StreamedEvent[], site: Site): Promise<void> => {
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
