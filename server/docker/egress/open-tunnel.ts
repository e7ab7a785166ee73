import type { Duplex } from 'node:stream';
import type { EgressDenial } from '../../domain/egress.ts';
import { farewell, sentences } from './answers.ts';
import { carry } from './carry.ts';
import type { Authority } from './host-name.ts';
import { howToRaise, howToTalk } from './judge.ts';
import type { EgressLimits } from './limits.ts';
import { type Hello, readHello } from './read-hello.ts';
import type { Usage } from './usage.ts';

/** A connection to an address, never to a name; rejects when it fails, or when the signal aborts. */
export type Dial = (address: string, port: number, signal: AbortSignal) => Promise<Duplex>;

export type Opened = {
  target: Authority;
  /** All of them checked. */
  addresses: readonly string[];
  body: AsyncIterable<Uint8Array>;
  signal: AbortSignal;
  limits: EgressLimits;
  usage: Usage;
  dial: Dial;
  tell: (denial: EgressDenial) => void;
  /** Is called when the connection is no longer in use; more than once does not matter. */
  end: () => void;
};

/**
 * What a client is told after the 200. Its ClientHello is read and judged before anything is dialled, so that whoever
 * may not pass leaves no trace outside, not even a connection.
 */
export const openTunnel = async function* (opened: Opened): AsyncGenerator<Uint8Array> {
  const { target, body, signal, limits, end } = opened;
  const rest = body[Symbol.asyncIterator]();
  let upstream: Duplex | undefined;
  try {
    const hello = judgeHello(await readHello(rest, limits.helloMs, signal), target.host);
    if (hello.kind === 'refused') {
      const denial = { ...target, reason: hello.reason, howToAllow: howToTalk };
      opened.tell(denial);
      yield farewell(hello.speaksTls, 'access_denied', sentences(denial));
    }
    if (hello.kind !== 'hello') return;

    upstream = await dialFirst(opened);
    if (upstream === undefined) {
      yield farewell(true, 'internal_error', `${target.host} cannot be reached.`);
      return;
    }
    upstream.once('close', end);
    yield* carry(upstream, {
      first: hello.bytes,
      rest,
      count: counter(opened),
      idleMs: limits.idleMs,
      signal,
    });
  } finally {
    if (upstream === undefined) end();
  }
};

/** In lower case, but otherwise as it came: a name in a ClientHello is ASCII and has no root's dot (RFC 6066). */
const judgeHello = (hello: Hello, host: string): Hello =>
  hello.kind === 'hello' && hello.serverName.toLowerCase() !== host
    ? { kind: 'refused', reason: 'The TLS ClientHello names another server.', speaksTls: true }
    : hello;

/** The first address that takes the connection; undefined when none does. */
const dialFirst = async ({
  addresses,
  target,
  limits,
  dial,
  signal,
}: Opened): Promise<Duplex | undefined> => {
  for (const address of addresses.slice(0, attemptsMax)) {
    const within = AbortSignal.any([signal, AbortSignal.timeout(limits.connectMs)]);
    const upstream = await dial(address, target.port, within).catch(() => undefined);
    // An error without a listener would end the server; carrying ends with the same one.
    if (upstream !== undefined) return upstream.on('error', () => {});
  }
  return undefined;
};

const attemptsMax = 3;

const counter =
  ({ usage, target, tell }: Opened) =>
  (direction: 'up' | 'down', bytes: number): void => {
    const reason = usage.add(direction, bytes);
    if (reason === undefined) return;
    tell({ ...target, reason, howToAllow: howToRaise });
    throw new Error(reason);
  };
