import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWatcher, openStalled, placeOf } from '../../support/streams/watcher.ts';

/** Who watches, in a process of its own: it must not take its turns with what is measured. */
export type Audience = AsyncDisposable & {
  /** What came so far; reading it begins anew. */
  take(): Promise<{ lagsMs: number[]; faults: string[]; allAtEnd: boolean }>;
};

type Order = { url: string; jobIds: readonly string[]; watchers: number; stalled: number };

/** Resolves when all of them have their answer's beginning. */
export const openAudience = async (order: Order): Promise<Audience> => {
  const child = fork(new URL(import.meta.url), { execArgv: [] });
  const ended = once(child, 'exit');
  const answerTo = async (message: object) => {
    const answer = once(child, 'message');
    child.send(message);
    const [value] = await answer;
    return value;
  };
  await answerTo(order);
  return {
    take: () => answerTo({ take: true }),
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
};

/** Events carry the moment of their append: both processes read the same clock. */
export const stampIn = (data: string): number => Number(/"message":"stamp ([\d.]+)/.exec(data)?.[1]);
export const stamp = (): string => `stamp ${now()} `;
const now = () => performance.timeOrigin + performance.now();

const watch = async ({ url, jobIds, watchers: count, stalled }: Order) => {
  const place = placeOf(url);
  let lagsMs: number[] = [];
  const onData = (data: string) => {
    const at = stampIn(data);
    if (!Number.isNaN(at)) lagsMs.push(now() - at);
  };
  const jobOf = (n: number) => String(jobIds[n % jobIds.length]);
  for (let n = 0; n < stalled; n += 1) await openStalled(place, jobOf(n));
  const watchers = Array.from({ length: count - stalled }, (_, n) =>
    createWatcher(place, jobOf(n), 0, onData),
  );
  for (let n = 0; n < watchers.length; n += 50) {
    await Promise.all(watchers.slice(n, n + 50).map((watcher) => watcher.open()));
    await sleep(10);
  }
  return () => {
    const taken = lagsMs;
    lagsMs = [];
    return {
      lagsMs: taken,
      faults: watchers.flatMap(({ faults }) => faults),
      allAtEnd: watchers.every(({ isAtEnd }) => isAtEnd),
    };
  };
};

if (process.send !== undefined) {
  const [order] = (await once(process, 'message')) as [Order];
  const take = await watch(order);
  process.send('open');
  process.on('message', () => process.send?.(take()));
}
