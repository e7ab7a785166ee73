import { Duplex, PassThrough } from 'node:stream';
import { defaultHosts, parseAllowlist } from '../../server/docker/egress/allowlist.ts';
import type { EgressLimits } from '../../server/docker/egress/limits.ts';
import { createEgress, type EgressOptions, type Tunnels } from '../../server/docker/egress/tunnel.ts';
import type { EgressDenial } from '../../server/domain/egress.ts';

/** One of GitHub's own: the documentation ranges do not count as public. */
export const publicAddress = '140.82.112.3';

export const limits: EgressLimits = {
  connectionsMax: 8,
  connectionsTotalMax: 1000,
  bytesUpMax: 1 << 20,
  bytesDownMax: 1 << 20,
  idleMs: 2000,
  connectMs: 2000,
  helloMs: 2000,
};

export const allowing = (...entries: string[]) => {
  const allowlist = parseAllowlist(entries);
  if ('problems' in allowlist) throw new Error(allowlist.problems.join(' '));
  return allowlist;
};

/** An egress on a network of the test's making, with everything that it asked of it. */
export type EgressBench = {
  egress: Tunnels;
  resolved: string[];
  dialled: { address: string; port: number }[];
  denied: EgressDenial[];
};

export type BenchOptions = Partial<EgressOptions> & {
  create?: (options: EgressOptions) => Tunnels;
  /** Of each resolution in turn, the last one again and again. */
  answers?: readonly string[][];
};

export const createBench = (changed: BenchOptions = {}): EgressBench => {
  const { create = createEgress, answers = [[publicAddress]], ...options } = changed;
  const resolved: string[] = [];
  const dialled: { address: string; port: number }[] = [];
  const denied: EgressDenial[] = [];
  const { dial = async () => nowhere(), resolve = async () => answerTo(answers, resolved.length) } = options;
  const egress = create({
    allowlist: allowing(...defaultHosts),
    limits,
    onDenied: (denial) => denied.push(denial),
    ...options,
    resolve: (host, signal) => {
      resolved.push(host);
      return resolve(host, signal);
    },
    dial: (address, port, signal) => {
      dialled.push({ address, port });
      return dial(address, port, signal);
    },
  });
  return { egress, resolved, dialled, denied };
};

const answerTo = (answers: readonly string[][], asked: number): string[] =>
  answers[Math.min(asked, answers.length) - 1] ?? [];

/** An upstream that takes everything and ends at once. */
export const nowhere = (): Duplex =>
  new Duplex({
    read() {
      this.push(null);
    },
    write(_chunk, _encoding, done) {
      done();
    },
  });

/** A client of the egress: what it says is written to `client`, what it is told is read from there. */
export type Tunnel = {
  status: number;
  client: Duplex;
  /** The client is gone, as when its connection breaks. */
  leave: () => void;
};

export const openTunnel = async (egress: Tunnels, authority: string): Promise<Tunnel> => {
  const outgoing = new PassThrough().on('error', () => {});
  const gone = new AbortController();
  const { status, body } = await egress.connect({ authority, body: outgoing, signal: gone.signal });
  const incoming = body[Symbol.asyncIterator]();
  const client = new Duplex({
    read() {
      incoming.next().then(
        ({ done, value }) => this.push(done ? null : value),
        (error) => this.destroy(error),
      );
    },
    write: (chunk, _encoding, written) => void outgoing.write(chunk, written),
    final: (ended) => void outgoing.end(ended),
    destroy(error, destroyed) {
      gone.abort();
      outgoing.destroy();
      destroyed(error);
    },
  });
  client.on('error', () => {});
  // Like a stream of HTTP/2, it takes the first bytes before anybody reads them.
  client.read(0);
  return { status, client, leave: () => client.destroy() };
};

/** One exchange with a client that says `said` and then nothing more: the status and all that it is told. */
export const exchange = async (egress: Tunnels, authority: string, said: Uint8Array) => {
  const gone = new AbortController();
  const body = (async function* () {
    yield said;
    await new Promise((resolve) => gone.signal.addEventListener('abort', resolve));
  })();
  try {
    const response = await egress.connect({ authority, body, signal: gone.signal });
    const told = Buffer.concat(await Array.fromAsync(response.body));
    return { status: response.status, told };
  } finally {
    gone.abort();
  }
};
