import { Duplex } from 'node:stream';
import { createOpenEgress, wayOutWithEgress } from '../../../server/docker/egress/open-egress.ts';
import type { Dial } from '../../../server/docker/egress/open-tunnel.ts';
import type { Base } from '../../../server/domain/repository.ts';
import type { Sandbox, WayOut } from '../../../server/domain/sandbox.ts';
import { createGateway } from '../../../server/github/gateway.ts';
import { basicAuthorization } from '../../../server/github/git-url.ts';
import type { GitHubOptions } from '../../../server/github/options.ts';
import { allowing, limits as egressLimits, publicAddress } from '../egress-bench.ts';
import { createWeakEgress, type Weakness } from '../weak-egress.ts';
import { type RecordingGitHub, startRecordingGitHub } from './recording-github.ts';

/** All that a sandbox could reach by its way out, made by the test: nothing of it lies outside of this machine. */
export type OutsideWorld = AsyncDisposable &
  Pick<RecordingGitHub, 'requests'> & {
    token: string;
    /** Names that were looked up, in order. */
    resolved: string[];
    dialled: { address: string; port: number }[];
  };

export const base: Base = {
  repositoryId: 1,
  repository: { owner: 'acme', name: 'books' },
  private: false,
  branch: 'main',
  commit: '1'.repeat(40),
};

const ownFetch = [
  'GET /acme/books.git/info/refs?service=git-upload-pack HTTP/1.1',
  'POST /acme/books.git/git-upload-pack HTTP/1.1',
];
const ownHeaders = [
  ...['host', 'connection', 'authorization', 'accept', 'accept-encoding', 'accept-language', 'user-agent'],
  ...['content-type', 'content-encoding', 'content-length', 'git-protocol', 'sec-fetch-mode'],
];

/** What GitHub was asked beside the fetch of the job's repository, and what else reached anything outside. */
export const beyondTheFetch = ({ requests, resolved, dialled, token }: OutsideWorld): string[] => [
  ...requests
    .filter(
      ({ line, headers }) =>
        !ownFetch.includes(line) ||
        Object.keys(headers).some((name) => !ownHeaders.includes(name)) ||
        headers.authorization !== basicAuthorization({ token } as GitHubOptions),
    )
    .map(({ line, headers }) => `${line} ${JSON.stringify(headers)}`),
  ...resolved.map((name) => `looked up ${name}`),
  ...dialled.map(({ address, port }) => `dialled ${address}:${port}`),
];

/**
 * Opens the sandbox's way out with the gateway and the egress of production, or with a weak double of both, by which a
 * test shows that it notices success.
 */
export const openOutsideWorld = async (
  sandbox: Pick<Sandbox, 'openWayOut'>,
  { weakness, dial = nowhere }: { weakness?: Weakness; dial?: Dial } = {},
): Promise<OutsideWorld> => {
  const github = await startRecordingGitHub();
  const token = 'ghp_canaryOfTheTokenThatStaysOutside';
  const options = gitHubOptions(github.url, token);
  const resolved: string[] = [];
  const dialled: OutsideWorld['dialled'] = [];
  const network = {
    limits: { ...egressLimits, connectionsMax: 64 },
    resolve: async (host: string) => {
      resolved.push(host);
      return [publicAddress];
    },
    dial: (address: string, port: number, signal: AbortSignal) => {
      dialled.push({ address, port });
      return dial(address, port, signal);
    },
  };
  if (weakness === undefined) {
    const settings = { allow: undefined, allowPrivate: false, publicIsForAll: true };
    const egress = createOpenEgress(settings, network)(base, () => {});
    sandbox.openWayOut(egress.guard(createGateway(options, base, () => {})));
  } else {
    const allowlist = allowing('github.com');
    const egress = createWeakEgress(weakness)({ ...network, allowlist, onDenied: () => {} });
    sandbox.openWayOut(wayOutWithEgress(createWeakGateway(options), egress));
  }
  return {
    ...{ requests: github.requests, token, resolved, dialled },
    [Symbol.asyncDispose]: () => github[Symbol.asyncDispose](),
  };
};

/** As it is often written: it trusts that what is asked for is a repository, and passes everything on. */
export const createWeakGateway =
  (options: GitHubOptions): WayOut =>
  async ({ method, path, headers, body }) => {
    const isRead = method === 'GET' || method === 'HEAD';
    const response = await fetch(new URL(path, options.url), {
      method,
      headers: { ...headers, authorization: basicAuthorization(options) },
      body: isRead ? null : Buffer.concat(await Array.fromAsync(body)),
    });
    const answer = Buffer.from(await response.arrayBuffer());
    const type = response.headers.get('content-type') ?? 'text/plain';
    return {
      status: response.status,
      headers: { 'content-type': type, 'x-sent-with': basicAuthorization(options) },
      body: (async function* () {
        yield answer;
      })(),
    };
  };

export const gitHubOptions = (url: string, token: string): GitHubOptions => ({
  ...{ url, apiUrl: `${url}/api`, token, userAgent: 'test', wayOutUrl: 'http://127.0.0.1:3128' },
  temporaryDirectory: '/nowhere',
  limits: {
    ...{ gatewayBytesMax: 64 << 20, gatewayMs: 5000, gatewayRequestsMax: 1000, gatewayRequestsAtOnceMax: 64 },
    ...{ cloneMs: 20_000, packBytesMax: 8 << 20, packObjectsMax: 10_000, objectBytesMax: 1 << 20 },
    ...{ treeDepthMax: 50, basePathsMax: 10_000, apiTimeoutMs: 5000 },
  },
});

const nowhere: Dial = async () =>
  new Duplex({
    read() {
      this.push(null);
    },
    write: (_chunk, _encoding, done) => done(),
  });
