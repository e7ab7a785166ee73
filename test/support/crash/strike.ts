import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { labels } from '../../../server/docker/container-spec.ts';
import type { Point } from './points.ts';
import type { Site } from './site.ts';
import type { Caught } from './trap.ts';

const springMs = 30_000;

/**
 * Gets ready to strike whoever holds the newest job, or the server that was asked to take it. What comes back resolves
 * with that server's id when it is struck.
 */
export const layInWait = async (
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
export const strikeAgain = async (point: Point, id: string, site: Site): Promise<void> => {
  const recoveryMs = 6000;
  const struck = await layInWait(point, 1, site, 'SIGKILL', recoveryMs);
  await site.servers.start(id);
  await struck().catch(() => undefined);
  await site.trap.disarm();
  site.farEnds.forge.intercept(undefined);
};
