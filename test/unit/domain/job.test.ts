import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canBecome, endState, type JobState } from '../../../server/domain/job.ts';
import { isTerminal } from '../../../server/domain/job-event.ts';
import { errorFact, queuedFact, resultFact } from '../../support/jobs.ts';

const states: JobState[] = ['queued', 'running', 'succeeded', 'failed', 'cancelled'];

test('a job waits, runs and ends; it never comes back, and succeeds only when it ran', () => {
  const possible = states.map((from) => [from, states.filter((to) => canBecome(from, to))]);
  assert.deepEqual(Object.fromEntries(possible), {
    queued: ['running', 'failed', 'cancelled'],
    running: ['succeeded', 'failed', 'cancelled'],
    succeeded: [],
    failed: [],
    cancelled: [],
  });
});

test('a terminal event says how the job ended; no other event does', () => {
  const facts = [
    resultFact('succeeded'),
    resultFact('nothing_to_change'),
    resultFact('cancelled'),
    errorFact,
    queuedFact('a'),
    { type: 'PR: Created', url: 'u', number: 1, title: 't', draft: false } as const,
  ];
  assert.deepEqual(facts.map(endState), [
    'succeeded',
    'succeeded',
    'cancelled',
    'failed',
    undefined,
    undefined,
  ]);
  assert.deepEqual(facts.map(isTerminal), [true, true, true, true, false, false]);
});
