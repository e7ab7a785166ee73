import type { CallsBehaviour } from './behaviour.ts';
import {
  data,
  flags,
  frame,
  headers,
  integer,
  kept,
  kinds,
  literals,
  newest,
  repeated,
  reset,
  settings,
  windowUpdate,
} from './frames.ts';
import { answer, flood, floodAnswer, hear, type Step, send } from './script.ts';

/** `:status: 200` is in HPACK's table. */
const ok = headers(Buffer.from([0x88]));
const end = { flag: flags.endStream };
const saying = (text: string): Step => answer(ok, data(text, end));
const status = (code: string, options = {}) => headers(literals([':status', code]), options);
const trailers = (...pairs: [string, string][]) =>
  headers(literals(...pairs), { flag: flags.endHeaders | flags.endStream });

const lost = (name: string, ...steps: Step[]): CallsBehaviour => ({
  ...{ session: 'calls', name, steps: [hear, ...steps], callEnds: 'lost' },
});
const givenUp = (name: string, ...steps: Step[]): CallsBehaviour => ({
  ...{ ...lost(name, ...steps), callEnds: 'given up' },
});
const toCommand = (behaviour: CallsBehaviour): CallsBehaviour => ({ ...behaviour, call: 'run' });

/** A header of nearly 4 KB, and the same again and again in one byte each. */
const bomb = (times: number): Buffer =>
  Buffer.concat([Buffer.from([0x88]), kept('a', 'x'.repeat(4000)), repeated(Buffer.from([newest]), times)]);

const wrongAnswers: CallsBehaviour[] = [
  lost('no JSON', saying('<html>')),
  lost('another shape', saying('[]')),
  lost('a number for a text', saying('{"ok":true,"content":7,"fromLine":1,"toLine":1,"totalLines":1}')),
  lost(
    'more than was asked for',
    saying(`{"ok":true,"content":"${'x'.repeat(2000)}","fromLine":1,"toLine":1,"totalLines":1}`),
  ),
  lost('sixteen megabytes of brackets', answer(ok), floodAnswer(data('['.repeat(16_000)))),
  lost('an answer without end', answer(ok), floodAnswer(data(' '.repeat(16_000)))),
  lost('an answer to a call that nobody made', send(headers(Buffer.from([0x88]), { stream: 9001 }))),
  lost('data before the headers', answer(data('{}'))),
  lost('data behind the end', answer(ok, data('{}', end)), floodAnswer(data('x'))),
  lost('a refusal with a reason without end', answer(status('500')), floodAnswer(data('x'.repeat(16_000)))),
  lost('a reset', answer(reset(2))),
  lost('a reset without an error', answer(ok, reset(0))),
  lost('resets without end', floodAnswer(reset(8))),
  lost(
    'less than it announced',
    answer(headers(literals([':status', '200'], ['content-length', '9'])), data('{}', end)),
  ),
];

const headerBlocks: CallsBehaviour[] = [
  lost('preliminary answers without end', floodAnswer(status('103'))),
  lost('one preliminary answer', answer(status('100'))),
  lost(
    'preliminary answers as large as they may be, without end',
    floodAnswer(
      headers(
        Buffer.concat([literals([':status', '103']), kept('a', 'x'.repeat(3000)), Buffer.from([newest])]),
      ),
    ),
  ),
  lost('two answers to one call', answer(ok, ok)),
  lost(
    'trailers twice',
    answer(ok, headers(literals(['backspace-end', 'whole']))),
    answer(trailers(['backspace-end', 'whole'])),
  ),
  lost('trailers without end', answer(ok), floodAnswer(headers(literals(['backspace-end', 'whole'])))),
  lost('a status that is none', answer(status('2oo'))),
  lost('no status', answer(headers(literals(['a', 'b'])))),
  lost('two statuses', answer(headers(literals([':status', '200'], [':status', '500'])))),
  lost('a status for somebody else', answer(status('421', { flag: flags.endHeaders | flags.endStream }))),
  lost('a name in capitals', answer(headers(literals([':status', '200'], ['Name', 'x']), end))),
  lost(
    'line ends in a header',
    answer(headers(literals([':status', '200'], ['a', 'b\r\nc: d'])), data('{', end)),
  ),
  lost('NUL in a header', answer(headers(literals([':status', '200'], ['a', '\0'])), data('{', end))),
  lost(
    'a thousand headers',
    answer(headers(Buffer.concat([Buffer.from([0x88]), repeated(literals(['a', 'b']), 1000)]))),
  ),
  lost('a large header in one byte, four thousand times', answer(headers(bomb(4000)))),
  lost(
    'headers that continue without end',
    answer(headers(bomb(100), { flag: 0 })),
    floodAnswer(frame(kinds.continuation, repeated(Buffer.from([newest]), 16_000), { stream: 1 })),
  ),
  lost(
    'continuations of nothing, without end',
    answer(headers(Buffer.from([0x88]), { flag: 0 })),
    floodAnswer(frame(kinds.continuation, '', { stream: 1 })),
  ),
  lost(
    'a table of four gigabytes',
    answer(headers(Buffer.concat([integer(0xffffffff, 5, 0x20), Buffer.from([0x88])]))),
  ),
  lost(
    'a table that grows and shrinks, sixteen thousand times',
    answer(headers(repeated(Buffer.from([0x20]), 16_000))),
  ),
  lost('an entry that the table has not', answer(headers(Buffer.from([0xfe])))),
  lost('a number without end', answer(headers(repeated(Buffer.from([0xff]), 100)))),
  lost(
    'a table on the server’s side of four gigabytes, and no answer',
    send(settings([1, 0xffffffff])),
    answer(reset(8)),
  ),
];

const dataFrames: CallsBehaviour[] = [
  lost('empty data without end', answer(ok), floodAnswer(data(''))),
  lost('padding that is longer than its frame', answer(ok), answer(data('\xff', { flag: flags.padded }))),
  toCommand(lost('a line in frames of one byte', answer(ok), floodAnswer(data('x')))),
  toCommand(
    lost('output of nothing, without end', answer(ok), floodAnswer(data('{"output":""}\n'.repeat(1000)))),
  ),
];

/** Slowly enough to be no sign of anything: who asked gives up, or the call's own limit comes. */
const borne: CallsBehaviour[] = [
  givenUp(
    'nothing but padding, without end',
    answer(ok),
    floodAnswer(data(Buffer.alloc(256, 0xff).fill(0, 1), { flag: flags.padded })),
  ),
  givenUp('an answer in frames of one byte', answer(ok), floodAnswer(data(' '))),
  givenUp(
    'an answer of a byte between 32 KB of other frames, again and again',
    answer(ok),
    floodAnswer(data(' '), repeated(windowUpdate(1), 2500)),
  ),
  // To a server that writes without end: a session that waits for its writes must not read on into memory.
  {
    ...{ session: 'calls', name: 'frames without end, and never reads', call: 'upload', deaf: true },
    ...{ steps: [flood(data('x'.repeat(16_000)))], callEnds: 'given up' },
  },
];

export const callsBehaviours: CallsBehaviour[] = [...wrongAnswers, ...headerBlocks, ...dataFrames, ...borne];
