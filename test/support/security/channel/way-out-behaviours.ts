import type { WayOutBehaviour } from './behaviour.ts';
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
  uint32,
  windowUpdate,
} from './frames.ts';
import { base64, flood, floodRequests, floodSeconds, ownId, requests, type Step, send } from './script.ts';

type Pair = [name: string, value: string];

const pseudo = (method: string, path: string): Pair[] => [
  [':method', method],
  [':scheme', 'http'],
  [':path', path],
  [':authority', '127.0.0.1'],
];
const complete = { flag: flags.endHeaders | flags.endStream };
const get = headers(literals(...pseudo('GET', '/x')), complete);
const post = headers(literals(...pseudo('POST', '/x')));
const postTo = (path: string) => headers(literals(...pseudo('POST', path)));
const connect = (target: string, options = {}) =>
  headers(literals([':method', 'CONNECT'], [':authority', 'x:443'], ['x-backspace-target', target]), options);
const withHeaders = (...pairs: Pair[]) => headers(literals(...pseudo('GET', '/x'), ...pairs), complete);

const closed = (name: string, ...steps: Step[]): WayOutBehaviour => ({
  ...{ session: 'way-out', name, steps, sessionEnds: 'closed' },
});
const open = (name: string, ...steps: Step[]): WayOutBehaviour => ({
  ...{ session: 'way-out', name, steps, sessionEnds: 'open' },
});

/** On the streams that `requests` has opened, in turn. */
const bodies = (streams: number, payload: Uint8Array | string): Step =>
  flood(
    Buffer.concat(
      Array.from({ length: streams }, (_, index) => data(payload, { stream: ownId + 2 * index })),
    ),
  );

/** As much as each of them takes unread. */
const fill = (streams: number): Step[] =>
  Array.from({ length: 4 }, () => requests(streams, data('x'.repeat(16_000))));

/** Windows so large that nothing but the server's own limits holds answers up. */
const wideOpen = send(settings([4, 0x7fffffff]), windowUpdate(0x60000000));
const rest: Step = { do: 'rest', seconds: floodSeconds };

const hanging = (behaviour: WayOutBehaviour): WayOutBehaviour => ({ ...behaviour, decider: 'hangs' });
const answering = (behaviour: WayOutBehaviour): WayOutBehaviour => ({
  ...{ ...behaviour, decider: 'answers without end' },
});

const asked: WayOutBehaviour[] = [
  closed('ten thousand requests at once', requests(10_000, get)),
  closed('requests that it resets at once, without end', floodRequests(get, reset(8))),
  closed(
    'requests with a body that it resets at once, without end',
    floodRequests(post, data('x'), reset(0)),
  ),
  open('requests as fast as they are refused', {
    ...{ do: 'ask', bytes: base64(get), id: ownId, together: 50, seconds: floodSeconds },
  }),
  open('announcements that it listens, as fast as they are answered', {
    ...{ do: 'ask', bytes: base64(headers(literals(...pseudo('POST', '/.backspace/listening')), complete)) },
    ...{ id: ownId, together: 50, seconds: floodSeconds },
  }),
  open('sixty-four halves of requests', requests(64, post)),
  open('a body without end that is refused', requests(1, post), bodies(1, 'x'.repeat(16_000))),
  open(
    'a fetch of git’s without end',
    requests(1, postTo('/acme/shop.git/git-upload-pack')),
    bodies(1, 'x'.repeat(16_000)),
  ),
  open(
    'a fetch of git’s in frames of one byte',
    requests(1, postTo('/acme/shop.git/git-upload-pack')),
    bodies(1, 'x'),
  ),
  hanging(open('sixty-four bodies that nobody reads', requests(64, post), ...fill(64))),
  hanging(closed('more of a body than may be unread', requests(1, post), bodies(1, 'x'.repeat(16_000)))),
  hanging(
    open('sixty-four bodies that nobody reads, in frames of one byte', requests(64, post), bodies(64, 'x')),
  ),
  hanging(
    open(
      'a body that nobody reads, a byte between 32 KB of other frames',
      requests(1, post),
      flood(Buffer.concat([data('x', { stream: ownId }), repeated(windowUpdate(1), 2500)])),
    ),
  ),
  answering({
    ...open('requests whose answers it never reads', wideOpen, requests(64, get), rest),
    deaf: true,
  }),
  answering(open('requests whose answers have no end', wideOpen, requests(64, get), rest)),
];

const malformed: WayOutBehaviour[] = [
  closed(
    'a request on an even stream',
    send(headers(literals(...pseudo('GET', '/')), { ...complete, stream: 1002 })),
  ),
  open(
    'a request on a stream before the last',
    send(headers(literals(...pseudo('GET', '/')), { ...complete, stream: ownId })),
    send(headers(literals(...pseudo('GET', '/')), { ...complete, stream: ownId - 2 })),
  ),
  closed('data on a stream that nobody opened', send(data('x', { stream: 9001 }))),
  closed('a reset of a stream that nobody opened', send(frame(kinds.reset, uint32(8), { stream: 9001 }))),
  closed(
    'headers that continue without end',
    send(headers(literals(...pseudo('GET', '/')), { stream: ownId, flag: 0 })),
    flood(frame(kinds.continuation, repeated(Buffer.from([0x82]), 16_000), { stream: ownId })),
  ),
  closed('an entry that the table has not', send(headers(Buffer.from([0xfe]), { stream: ownId }))),
  closed('a table of four gigabytes', send(headers(integer(0xffffffff, 5, 0x20), { stream: ownId }))),
  closed('empty data without end', requests(1, post), bodies(1, '')),
  open(
    'a large header in one byte, four thousand times',
    requests(
      20,
      headers(
        Buffer.concat([
          literals(...pseudo('GET', '/')),
          kept('a', 'x'.repeat(4000)),
          repeated(Buffer.from([newest]), 4000),
        ]),
        complete,
      ),
    ),
  ),
  open(
    'a thousand headers',
    requests(20, withHeaders(...Array.from({ length: 1000 }, (): Pair => ['a', 'b']))),
  ),
  open(
    'line ends, NUL and the like in headers',
    requests(1, withHeaders(['a', 'b\r\nhost: evil'])),
    requests(1, withHeaders(['a', '\0'])),
    requests(1, withHeaders(['a b', 'c'])),
    requests(1, withHeaders(['A', 'c'])),
  ),
];

/** The header in which the toolbox passes a target on, from somebody who writes it himself. */
const targets = [
  '%0d%0aHost:%20github.com',
  '%00',
  '%',
  '%c0%af',
  '..%2f..%2fetc%2fpasswd',
  '%2facme%2fshop.git%2finfo%2frefs%3fservice%3dgit-receive-pack',
  '%2facme%2fshop.git%2fgit-receive-pack',
  '%2facme%2fother.git%2finfo%2frefs%3fservice%3dgit-upload-pack',
  'http%3a%2f%2f169.254.169.254%2f',
  '127.0.0.1%3a22',
  'github.com%3a443%00.evil.example%3a443',
  'x'.repeat(15_000),
  '',
];

const abused: WayOutBehaviour[] = [
  open(
    'targets that its toolbox would not pass on',
    ...targets.flatMap((target, index) => [
      {
        ...requests(1, headers(literals(...pseudo('GET', '/'), ['x-backspace-target', target]), complete)),
        id: ownId + 10 * index,
      } as Step,
      {
        ...requests(1, headers(literals(...pseudo('POST', '/'), ['x-backspace-target', target]), complete)),
        id: ownId + 10 * index + 2,
      } as Step,
      { ...requests(1, connect(target)), id: ownId + 10 * index + 4 } as Step,
    ]),
    { do: 'rest', seconds: 0.5 },
  ),
];

export const wayOutBehaviours: WayOutBehaviour[] = [...asked, ...malformed, ...abused];
