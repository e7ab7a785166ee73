import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobEventSchema, reservedEventTypes } from '../../../server/domain/job-event.ts';
import { errorFact, queuedFact, resultFact } from '../../support/jobs.ts';

const types = jobEventSchema.options.map(({ shape }) => shape.type.value);

test('every event type is there once, and none has a name that is kept for later', () => {
  assert.equal(new Set(types).size, types.length);
  assert.equal(new Set(reservedEventTypes).size, reservedEventTypes.length);
  assert.deepEqual(
    reservedEventTypes.filter((name) => (types as string[]).includes(name)),
    [],
  );
});

test('names are «Group: Name» or words, so that a reader can sort them', () => {
  for (const name of [...types, ...reservedEventTypes])
    assert.match(name, /^[A-Z][A-Za-z]*(:? [A-Z][a-z]+)?$/);
});

for (const fact of [queuedFact('a'), resultFact('succeeded'), errorFact]) {
  test(`a ${fact.type} event passes as it is, and not without one of its fields`, () => {
    assert.deepEqual(jobEventSchema.parse(fact), fact);
    for (const name of Object.keys(fact)) {
      const { [name as 'type']: _, ...rest } = fact;
      assert.equal(jobEventSchema.safeParse(rest).success, false, name);
    }
  });
}

test('no event has another’s type, a negative count, or a code that is none', () => {
  for (const wrong of [
    { ...resultFact('succeeded'), type: 'Stream: Gap' },
    { ...resultFact('succeeded'), filesChanged: -1 },
    { ...resultFact('succeeded'), status: 'failed' },
    { ...errorFact, code: 'no_such_code' },
    { type: 'Git: Clone', phase: 'done', percent: 101 },
  ]) {
    assert.equal(jobEventSchema.safeParse(wrong).success, false);
  }
});
