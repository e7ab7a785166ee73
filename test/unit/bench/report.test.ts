import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interleave, percentile, summarize } from '../../bench/measure.ts';
import { judge, present, type Row } from '../../bench/report.ts';

const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

test('a percentile is a value that was measured, at its nearest rank', () => {
  assert.deepEqual(summarize(hundred), { n: 100, p50: 50, p99: 99, min: 1, max: 100 });
  assert.deepEqual(summarize([7]), { n: 1, p50: 7, p99: 7, min: 7, max: 7 });
  assert.deepEqual([percentile([3, 1, 2], 50), percentile([4, 1, 3, 2], 50)], [2, 2]);
  assert.throws(() => percentile([], 50), /no samples/);
});

test('the series take turns, each round in the other direction, and a stop ends them', async () => {
  const order: string[] = [];
  const stopping = new AbortController();
  const series = (name: string, samples: number | number[]) => async () => {
    order.push(name);
    return samples;
  };
  const both = { ours: series('ours', [1, 2]), baseline: series('baseline', 3) };
  assert.deepEqual(await interleave(3, both, stopping.signal), {
    ours: [1, 2, 1, 2, 1, 2],
    baseline: [3, 3, 3],
  });
  assert.deepEqual(order, ['ours', 'baseline', 'baseline', 'ours', 'ours', 'baseline']);
  stopping.abort(new Error('enough'));
  await assert.rejects(interleave(1, both, stopping.signal), /enough/);
});

const docker = { name: 'docker exec', samples: [100, 120, 140] };
const read: Row = {
  name: 'read',
  unit: 'ms',
  ours: [0.5, 0.9, 0.7],
  baseline: docker,
  target: { p50Max: 1 },
};
const start: Row = { name: 'start', unit: 'ms', ours: [1500], baseline: docker, target: { ratioMax: 12 } };
const dream: Row = { ...start, target: { ratioMax: 20, isDream: true } };

test('a target is for our p50, or for its ratio to the p50 of the baseline', () => {
  assert.deepEqual(judge(read), {
    name: 'read',
    unit: 'ms',
    ours: { n: 3, p50: 0.7, p99: 0.9, min: 0.5, max: 0.9 },
    baseline: { name: 'docker exec', n: 3, p50: 120, p99: 140, min: 100, max: 140 },
    ratio: 0.7 / 120,
    target: { p50Max: 1, isReached: true },
  });
  assert.deepEqual(judge(start).target, { ratioMax: 12, isReached: false });
  assert.deepEqual(judge(dream).target, { ratioMax: 20, isDream: true, isReached: true });
  const alone = judge({ name: 'memory', unit: 'MB', ours: [61], target: { p50Max: 60 } });
  assert.deepEqual([alone.ratio, alone.target?.isReached], [undefined, false]);
  assert.throws(
    () => judge({ name: 'alone', unit: 'ms', ours: [1], target: { ratioMax: 2 } }),
    /needs a baseline/,
  );
});

test('the table says once what several rows share, and every number with its unit', () => {
  const memory: Row = { name: 'memory', unit: 'MB', ours: [61.25], target: { p50Max: 60 } };
  assert.equal(
    present({
      title: 'Calls',
      about: 'Of a tool.',
      rows: [read, start, dream, memory],
      notes: ['So be it.'],
    }),
    `Calls
Of a tool.

        n      p50      p99  against      n     p50     p99     ratio  target
read    3  0.70 ms  0.90 ms  docker exec  3  120 ms  140 ms  0.0058 ×  ✔ p50 ≤ 1 ms
start   1   1.50 s   1.50 s  docker exec  3  120 ms  140 ms   12.50 ×  ✘ ≤ 12 ×
                             docker exec  3  120 ms  140 ms   12.50 ×  ✔ ≤ 20 × (the dream)
memory  1  61.3 MB  61.3 MB                                            ✘ p50 ≤ 60 MB
So be it.
`,
  );
});
