import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createReplyEvents } from '../../../server/agent/reply-events.ts';
import type { JobFact } from '../../../server/domain/job-event.ts';
import { stream } from '../../support/scripted-model.ts';

const recorder = () => {
  const facts: JobFact[] = [];
  const emit = async (fact: JobFact) => {
    await setImmediate();
    facts.push(fact);
  };
  return { facts, events: createReplyEvents(emit) };
};

const message = (words: string) => ({ type: 'AI Message', message: words });

test('thinking and text become events in the order in which they were said', async () => {
  const { facts, events } = recorder();
  stream('thinking', 'Where are the routes?', events.onDelta);
  events.onDelta({ type: 'block_end' });
  stream('text', 'I look at the routes.\n\nThen at the tests.', events.onDelta);
  events.onDelta({ type: 'block_end' });
  await events.settled();
  assert.deepEqual(facts, [
    { type: 'AI Thinking', message: 'Where are the routes?' },
    message('I look at the routes.'),
    message('Then at the tests.'),
  ]);
});

test('a change of kind ends a piece even when nobody said that the block has ended', async () => {
  const { facts, events } = recorder();
  events.onDelta({ type: 'thinking', text: 'Hm.' });
  events.onDelta({ type: 'text', text: 'Yes.' });
  await events.settled();
  assert.deepEqual(facts, [{ type: 'AI Thinking', message: 'Hm.' }, message('Yes.')]);
});

test('a reply that starts again drops its unfinished piece and tells nothing twice', async () => {
  const { facts, events } = recorder();
  stream('text', 'One.\n\nTwo.\n\nThr', events.onDelta);
  events.onDelta({ type: 'restart' });
  stream('text', 'One.\n\nT', events.onDelta);
  events.onDelta({ type: 'restart' });
  stream('text', 'One.\n\nTwo.\n\nThree.', events.onDelta);
  events.onDelta({ type: 'block_end' });
  await events.settled();
  assert.deepEqual(facts, [message('One.'), message('Two.'), message('Three.')]);
});

test('a reply that starts again with other words is told from the first difference on', async () => {
  const { facts, events } = recorder();
  stream('text', 'One.\n\nTwo.\n\nThree.\n\n', events.onDelta);
  events.onDelta({ type: 'restart' });
  stream('text', 'One.\n\nOther.\n\nThree.', events.onDelta);
  await events.settled();
  assert.deepEqual(
    facts,
    ['One.', 'Two.', 'Three.', 'Other.', 'Three.'].map((words) => message(words)),
  );
});

test('a retry is told where it happened, and does not make what was said before be told again', async () => {
  const { facts, events } = recorder();
  const retry = { attempt: 1, waitMs: 1000, error: '529 Overloaded' };
  stream('text', 'One.\n\nTw', events.onDelta);
  events.onDelta({ type: 'restart' });
  events.onDelta({ type: 'retry', ...retry });
  stream('text', 'One.\n\nTwo.', events.onDelta);
  await events.settled();
  assert.deepEqual(facts, [message('One.'), { type: 'Model: Retry', ...retry }, message('Two.')]);
});

test('an event that cannot be stored stops the ones behind it and is reported at the end', async () => {
  const stored: JobFact[] = [];
  const events = createReplyEvents(async (fact) => {
    if (stored.length === 1) throw new Error('the disk is full');
    stored.push(fact);
  });
  stream('text', 'One.\n\nTwo.\n\nThree.', events.onDelta);
  await setImmediate();
  await assert.rejects(events.settled(), { message: 'the disk is full' });
  assert.deepEqual(stored, [message('One.')]);
});
