import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { Egress } from '../../../server/domain/egress.ts';
import type { CloneProgress, GitHub } from '../../../server/domain/github.ts';
import type { JobFact } from '../../../server/domain/job-event.ts';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { clone } from '../../../server/jobs/clone.ts';
import { base } from '../../support/base.ts';

const egress: Egress = { guard: (gateway) => gateway, denials: () => ({ total: 0, distinct: [] }) };

/** A clone that tells a line of progress every 10 ms, for so many milliseconds. */
const run = async (forMs: number, emit: (fact: JobFact) => Promise<void>) => {
  let now = 1_000;
  const clock = mock.method(performance, 'now', () => now);
  try {
    const tell = async (onProgress: (at: CloneProgress) => void) => {
      for (let ms = 10; ms <= forMs; ms += 10) {
        now += 10;
        onProgress({ phase: 'Receiving objects', percent: (100 * ms) / forMs, bytes: ms });
      }
    };
    const github = { clone: (_sandbox, _base, onProgress) => tell(onProgress) } satisfies Pick<
      GitHub,
      'clone'
    >;
    await clone({} as Sandbox, egress, base, { github, emit }, new AbortController().signal);
  } finally {
    clock.mock.restore();
  }
};

const told = async (forMs: number): Promise<JobFact[]> => {
  const facts: JobFact[] = [];
  await run(forMs, async (fact) => void facts.push(fact));
  return facts;
};

const start = { type: 'Git: Clone', phase: 'Starting', percent: 0 };
const end = { type: 'Git: Clone', phase: 'done', percent: 100, commit: base.commit, branch: 'main' };

test('a quick clone has a start and an end', async () => {
  assert.deepEqual(await told(490), [start, { ...end, bytes: 490, ms: 490 }]);
});

test('of a long clone progress is told twice a second', async () => {
  const progress = (percent: number, bytes: number) => ({
    type: 'Git: Clone',
    phase: 'Receiving objects',
    percent,
    bytes,
  });
  assert.deepEqual(await told(2_000), [
    start,
    progress(25, 500),
    progress(50, 1_000),
    progress(75, 1_500),
    progress(100, 2_000),
    { ...end, bytes: 2_000, ms: 2_000 },
  ]);
});

test('progress that cannot be stored fails the clone', async () => {
  const emit = async (fact: JobFact) => {
    if (fact.type === 'Git: Clone' && fact.phase === 'Receiving objects')
      throw new Error('the store is full');
  };
  await assert.rejects(run(1_000, emit), /the store is full/);
});
