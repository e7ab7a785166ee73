/** How long it takes, in milliseconds. */
export const timed = async (action: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await action();
  return performance.now() - started;
};

/** Measures one series once, or several times in a row; in the unit of the series. */
type Measurement = () => Promise<number | readonly number[]>;

/**
 * Measures every series once in each round, forwards and backwards in turn (A B, B A, A B, …): what else the machine
 * does hits all of them alike, and none always comes behind the same other.
 */
export const interleave = async <Name extends string>(
  rounds: number,
  series: Record<Name, Measurement>,
  signal: AbortSignal,
): Promise<Record<Name, number[]>> => {
  const names = Object.keys(series) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      signal.throwIfAborted();
      samples[name].push(...[await series[name]()].flat());
    }
  }
  return samples;
};

export type Summary = { n: number; p50: number; p99: number; min: number; max: number };

export const summarize = (samples: readonly number[]): Summary => ({
  n: samples.length,
  p50: percentile(samples, 50),
  p99: percentile(samples, 99),
  min: percentile(samples, 0),
  max: percentile(samples, 100),
});

/** The nearest rank, so always a value that was measured: of fewer than 100 samples, p99 is the largest. */
export const percentile = (samples: readonly number[], percent: number): number => {
  const sorted = samples.toSorted((one, other) => one - other);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  const value = sorted[rank - 1];
  if (value === undefined) throw new Error('There is no percentile of no samples.');
  return value;
};
