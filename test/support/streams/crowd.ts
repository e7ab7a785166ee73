import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../sample.ts';
import { createWatcher, isWhole, placeOf, type Watcher } from './watcher.ts';

/** Where streams come from, and how their jobs go on. */
export type Source = {
  url: string;
  jobIds: readonly string[];
  /** With which cursor the watchers come first. */
  after: number;
  append(jobId: string): Promise<unknown>;
  end(): Promise<unknown>;
};

export type CrowdSize = { watchers: number; reconnects: number; eventsPerJob: number; durationMs: number };

const endMs = 60_000;

/**
 * Watchers come at random moments, leave at random ones and come back with their cursor, while the jobs tell one event
 * after the other and then end. What came to each of them in the end.
 */
export const watchTogether = async (
  source: Source,
  { watchers: count, reconnects, eventsPerJob, durationMs }: CrowdSize,
  random: Random,
): Promise<Watcher[]> => {
  const place = placeOf(source.url);
  const watchers = Array.from({ length: count }, (_, n) =>
    createWatcher(place, String(source.jobIds[n % source.jobIds.length]), source.after),
  );
  const tell = async (jobId: string) => {
    for (let n = 0; n < eventsPerJob; n += 1) {
      await sleep((random() * 2 * durationMs) / eventsPerJob);
      await source.append(jobId);
    }
  };
  const arrive = async (watcher: Watcher) => {
    await sleep((random() * durationMs) / 2);
    await watcher.open();
  };
  const comeBack = async (watcher: Watcher, times: number) => {
    for (let n = 0; n < times; n += 1) {
      await sleep((random() * 2 * durationMs) / (times + 1));
      watcher.leave();
      await sleep(random() * 100);
      await watcher.open();
    }
  };
  const timesOf = watchers.map(() => 0);
  for (let n = 0; n < reconnects; n += 1) {
    const index = Math.floor(random() * count);
    timesOf[index] = (timesOf[index] ?? 0) + 1;
  }
  await Promise.all([
    ...source.jobIds.map(tell),
    ...watchers.map(async (watcher, index) => {
      await arrive(watcher);
      await comeBack(watcher, timesOf[index] ?? 0);
    }),
  ]);
  await source.end();
  for (const until = performance.now() + endMs; performance.now() < until; await sleep(50)) {
    if (watchers.every(({ isAtEnd, faults }) => isAtEnd || faults.length > 0)) break;
  }
  for (const watcher of watchers) if (!watcher.isAtEnd) watcher.leave();
  return watchers;
};

/** The readers that did not get every event behind their first cursor once and in order, up to its end, and what they got. */
export const wronged = (watchers: readonly Watcher[], after: number, last: number) =>
  watchers
    .filter(({ ids, faults, isAtEnd }) => faults.length > 0 || !isAtEnd || !isWhole(ids, after, last))
    .map(({ jobId, ids, faults, isAtEnd }) => ({ jobId, ids, faults, isAtEnd }));
