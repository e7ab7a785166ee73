import type { Behaviour, CallsBehaviour, WayOutBehaviour } from './behaviour.ts';
import {
  data,
  flags,
  frame,
  goaway,
  headers,
  kinds,
  literals,
  ping,
  repeated,
  settings,
  uint32,
  windowUpdate,
} from './frames.ts';
import { flood, type Step, send } from './script.ts';

/** What can be done to either session, whoever asks and whoever answers. */
type Either = { name: string; steps: Step[]; bears?: true };

const block = literals(['a', 'b']);

const ended: Either[] = [
  {
    name: 'the header of a frame of 16 MB',
    steps: [send(frame(kinds.data, '', { stream: 1, length: 0xffffff }))],
  },
  {
    name: 'a frame of 16 MB',
    steps: [
      send(frame(kinds.data, Buffer.alloc(1 << 20), { stream: 1, length: 0xffffff })),
      flood(Buffer.alloc(1 << 16)),
    ],
  },
  {
    name: 'what a client says first, in the middle',
    steps: [send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'))],
  },
  { name: 'HTTP/1', steps: [send(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))] },
  { name: 'zeroes', steps: [flood(Buffer.alloc(1 << 16))] },
  { name: 'frames of a kind that nobody knows, without end', steps: [flood(frame(kinds.unheardOf))] },
  { name: 'settings without end', steps: [flood(settings())] },
  {
    name: 'settings that change and change back, without end',
    steps: [flood(Buffer.concat([settings([4, 0], [1, 0]), settings([4, 0x7fffffff], [1, 0xffffffff])]))],
  },
  {
    name: 'thanks for settings that nobody sent, without end',
    steps: [flood(frame(kinds.settings, '', { flag: flags.ack }))],
  },
  { name: 'a settings frame of seven bytes', steps: [send(frame(kinds.settings, Buffer.alloc(7)))] },
  { name: 'a window that is too large to begin with', steps: [send(settings([4, 0xffffffff]))] },
  { name: 'pings without end', steps: [flood(ping())] },
  { name: 'answers to pings that nobody sent, without end', steps: [flood(ping(flags.ack))] },
  { name: 'a ping of seven bytes', steps: [send(frame(kinds.ping, Buffer.alloc(7)))] },
  {
    name: 'priorities without end',
    steps: [flood(frame(kinds.priority, Buffer.alloc(5), { stream: 9001 }))],
  },
  { name: 'a window update of nothing', steps: [send(windowUpdate(0))] },
  { name: 'a window beyond what can be', steps: [send(windowUpdate(0x7fffffff), windowUpdate(0x7fffffff))] },
  { name: 'a good-bye', steps: [send(goaway(0))] },
  { name: 'a good-bye that spares streams which do not exist', steps: [send(goaway(0, 0x7fffffff))] },
  { name: 'a good-bye because of an error', steps: [send(goaway(1))] },
  {
    name: 'good-byes without end, with 16 KB of reasons',
    steps: [flood(goaway(0, 0x7fffffff, 'x'.repeat(16_000)))],
  },
  {
    name: 'a push promise',
    steps: [
      send(frame(kinds.push, Buffer.concat([uint32(2), block]), { stream: 1, flag: flags.endHeaders })),
    ],
  },
  { name: 'data on the stream 0', steps: [send(data('x', { stream: 0 }))] },
  { name: 'headers on the stream 0', steps: [send(headers(block, { stream: 0 }))] },
  { name: 'a reset on the stream 0', steps: [send(frame(kinds.reset, uint32(8)))] },
  { name: 'settings on the stream 1', steps: [send(frame(kinds.settings, '', { stream: 1 }))] },
  { name: 'a ping on the stream 1', steps: [send(frame(kinds.ping, Buffer.alloc(8), { stream: 1 }))] },
  { name: 'a continuation of nothing', steps: [send(frame(kinds.continuation, block, { stream: 1 }))] },
  {
    name: 'alternative services, and a ping of a wrong length behind them',
    // CVE-2026-27135: an assertion of older versions of nghttp2.
    steps: [send(frame(kinds.altsvc, '\0\x04evilh2=":1"'), frame(kinds.ping, Buffer.alloc(5)))],
  },
  { name: 'origins without end', steps: [flood(frame(kinds.origin, '\0\x0bhttp://evil'))] },
  { name: 'half a megabyte of 0xff', steps: [send(repeated(Buffer.from([0xff]), 1 << 19))] },
];

const born: Either[] = [
  { name: 'window updates of one byte, without end', steps: [flood(windowUpdate(1))] },
  {
    name: 'data on a stream that has ended, without end',
    steps: [flood(data('x'.repeat(16_000), { stream: 1 }))],
  },
];

const asCalls =
  (callEnds: CallsBehaviour['callEnds']) =>
  (either: Either): CallsBehaviour => ({
    ...either,
    ...{ session: 'calls', callEnds },
  });
const asWayOut =
  (sessionEnds: WayOutBehaviour['sessionEnds']) =>
  (either: Either): WayOutBehaviour => ({
    ...either,
    ...{ session: 'way-out', sessionEnds },
  });

export const sessionBehaviours: Behaviour[] = [
  ...ended.flatMap((either): Behaviour[] => [asCalls('lost')(either), asWayOut('closed')(either)]),
  ...born.flatMap((either): Behaviour[] => [asCalls('given up')(either), asWayOut('open')(either)]),
];
