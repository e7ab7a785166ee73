import { randomInt } from 'node:crypto';

/**
 * Long suites run a part of themselves under `npm test`, another one each time, and all of it under
 * `npm run test:full`. The seed is printed; TEST_SEED repeats a run.
 */
const isFull = process.env.TEST_FULL === '1';

/** Numbers from 0 to below 1, the same for the same seed. */
export type Random = () => number;

export const startRandom = (suite: string): Random => {
  const seed = Number(process.env.TEST_SEED ?? randomInt(2 ** 31));
  process.stdout.write(`${suite}: TEST_SEED=${seed}${isFull ? ', all of it' : ''}\n`);
  return seededRandom(seed);
};

/** mulberry32, by Tommy Ettinger, in the public domain. */
export const seededRandom = (seed: number): Random => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** So many of them in their order; all in a full run. */
export const sample = <T>(items: readonly T[], count: number, random: Random): T[] => {
  if (isFull) return [...items];
  const left = [...items.keys()];
  const chosen = new Set<number>();
  while (chosen.size < Math.min(count, items.length)) {
    const [index = 0] = left.splice(Math.floor(random() * left.length), 1);
    chosen.add(index);
  }
  return items.filter((_, index) => chosen.has(index));
};

/** How often to repeat something: the smaller number under `npm test`. */
export const times = (sampled: number, full: number): number => (isFull ? full : sampled);
