import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type CapturedRun, createCapturedRuns } from './captured-runs.ts';
import { decompress, ingest } from './ingest.ts';

export type LangSmithOptions = {
  /** `dead` takes what is sent and never answers, `failing` answers 500 to everything. Default `ok`. */
  behaviour?: 'ok' | 'dead' | 'failing';
  /** What the server says it understands: runs come compressed accordingly. Default `zstd`, as in the cloud. */
  encoding?: 'zstd' | 'gzip' | 'identity';
  /** `batch` is an older server without the multipart endpoint. Default `multipart`. */
  endpoint?: 'multipart' | 'batch';
};

export type LangSmithRequest = {
  method: string;
  path: string;
  headerNames: string[];
  /** Content-Encoding; empty for none. */
  encoding: string;
  /** As sent, so before decompression. */
  bodyBytes: number;
};

export type LangSmith = AsyncDisposable & {
  url: string;
  requests: LangSmithRequest[];
  /** In the order of their first arrival. */
  runs(): CapturedRun[];
  /** Resolves with the runs once the predicate holds for them; rejects after timeoutMs or when the server stops. */
  waitForRuns(predicate: (runs: CapturedRun[]) => boolean, timeoutMs: number): Promise<CapturedRun[]>;
  /** Everything received as text: paths, headers but LangSmith's own key, decompressed bodies. To look for secrets. */
  readonly raw: string;
};

type Waiter = { check: () => void; stop: () => void };

/** Takes what the langsmith client sends and shows it as runs. */
export const startLangSmith = async (options: LangSmithOptions = {}): Promise<LangSmith> => {
  const { behaviour = 'ok' } = options;
  const captured = createCapturedRuns();
  const requests: LangSmithRequest[] = [];
  const raw: string[] = [];
  const waiters = new Set<Waiter>();

  /** undefined: no answer at all. */
  const take = async (req: IncomingMessage): Promise<Answer | undefined> => {
    const sent = await buffer(req);
    const request = describe(req, sent);
    requests.push(request);
    const body = decompress(request.encoding, sent);
    raw.push(`${request.method} ${req.url}\n${headerText(req)}\n${body.toString('utf8')}`);
    if (behaviour === 'dead') return undefined;
    if (behaviour === 'failing') return { status: 500, body: { detail: 'Internal Server Error' } };
    if (request.path === '/info') return { status: 200, body: serverInfo(options) };
    const contentType = req.headers['content-type'] ?? '';
    const known = request.path !== '/runs/multipart' || options.endpoint !== 'batch';
    const ingested = known ? await ingest({ ...request, contentType, body }) : undefined;
    if (ingested === undefined) return { status: 404, body: { detail: 'Not Found' } };
    for (const { operation, id, fields } of ingested) captured.add(operation, id, fields);
    for (const waiter of waiters) waiter.check();
    return { status: 202, body: { message: 'Runs batch ingested' } };
  };

  const server = createServer((req, res) => {
    take(req).then(
      (answer) => answer && send(res, answer),
      // What cannot be read is a 422 in LangSmith too; when the client has gone, this reaches nobody.
      (error: unknown) => send(res, { status: 422, body: { detail: String(error) } }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    runs: captured.list,
    waitForRuns: (predicate, timeoutMs) => waitFor(captured.list, predicate, timeoutMs, waiters),
    get raw() {
      return raw.join('\n\n');
    },
    [Symbol.asyncDispose]: async () => {
      for (const waiter of waiters) waiter.stop();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};

type Answer = { status: number; body: unknown };

const send = (res: ServerResponse, { status, body }: Answer): void => {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

const describe = (req: IncomingMessage, sent: Buffer): LangSmithRequest => ({
  method: req.method ?? '',
  path: new URL(req.url ?? '/', 'http://langsmith').pathname,
  headerNames: Object.keys(req.headers),
  encoding: req.headers['content-encoding'] ?? '',
  bodyBytes: sent.length,
});

/** The key of LangSmith itself belongs in its header; any other secret in a header would be a leak. */
const headerText = (req: IncomingMessage): string =>
  Object.entries(req.headers)
    .filter(([name]) => name !== 'x-api-key')
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');

const serverInfo = ({ encoding = 'zstd', endpoint = 'multipart' }: LangSmithOptions) => ({
  version: '0.12.0',
  instance_flags: { gzip_body_enabled: encoding === 'gzip', zstd_compression_enabled: encoding === 'zstd' },
  batch_ingest_config: {
    use_multipart_endpoint: endpoint === 'multipart',
    scale_up_qsize_trigger: 1000,
    scale_up_nthreads_limit: 16,
    scale_down_nempty_trigger: 4,
    size_limit: 100,
    size_limit_bytes: 20_971_520,
  },
});

const waitFor = (
  list: () => CapturedRun[],
  predicate: (runs: CapturedRun[]) => boolean,
  timeoutMs: number,
  waiters: Set<Waiter>,
): Promise<CapturedRun[]> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(`after ${timeoutMs} ms`), timeoutMs);
    const done = () => {
      clearTimeout(timer);
      waiters.delete(waiter);
    };
    const fail = (when: string) => {
      done();
      const seen = list().map(({ name, end_time: end }) => `${name}${end === null ? ' (open)' : ''}`);
      reject(new Error(`The awaited runs had not come ${when}; seen: ${seen.join(', ') || 'none'}`));
    };
    const waiter: Waiter = {
      check: () => {
        try {
          if (!predicate(list())) return;
        } catch (error) {
          done();
          return reject(error);
        }
        done();
        resolve(list());
      },
      stop: () => fail('when the server stopped'),
    };
    waiters.add(waiter);
    waiter.check();
  });
