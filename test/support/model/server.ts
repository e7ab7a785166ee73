import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendJson } from './answer.ts';
import { createPlayer, type RecordedRequest } from './player.ts';
import { errorBody, Refusal } from './refusal.ts';
import type { Scenario } from './scenario.ts';

export type ModelOptions = {
  scenarios: Scenario[];
  /** Made up when left out. */
  apiKey?: string;
  /** Where it listens. Default 127.0.0.1. */
  host?: string;
  /** 0, the default, lets the system choose. */
  port?: number;
  /** Pause before each event of a stream, to look live in a demo. Default 0. */
  msPerEvent?: number;
};

export type Model = AsyncDisposable & {
  url: string;
  apiKey: string;
  /** The latest 1,000 requests, oldest first. */
  requests: RecordedRequest[];
};

const requestsMax = 1_000;
const bodyBytesMax = 32 * 1024 * 1024;

/** A server that speaks Anthropic's Messages API from scenarios and checks what the real API checks. */
export const startModel = async (options: ModelOptions): Promise<Model> => {
  const { host = '127.0.0.1' } = options;
  const apiKey = options.apiKey ?? `sk-ant-local-${randomBytes(16).toString('hex')}`;
  const requests: RecordedRequest[] = [];
  const play = createPlayer(options.scenarios, options.msPerEvent ?? 0);
  const server = createServer(async (req, res) => {
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    const record = newRecord(req, apiKey);
    requests.push(record);
    if (requests.length > requestsMax) requests.shift();
    const requestId = `req_01${randomBytes(11).toString('hex')}`;
    res.setHeader('request-id', requestId);
    try {
      await readInto(record, req);
      await play({
        record,
        withBetas: req.headers['anthropic-beta'] !== undefined,
        requestId,
        res,
        signal: gone.signal,
      });
    } catch (error) {
      // Once the client is gone, or the reply has begun, there is nobody to tell.
      if (gone.signal.aborted || res.headersSent) return void res.destroy();
      const refusal = error instanceof Refusal ? error : new Refusal(500, String(error));
      record.answer = `${refusal.status}: ${refusal.message}`;
      sendJson(res, refusal.status, errorBody(refusal.type, refusal.message, requestId));
    }
  });
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    apiKey,
    requests,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};

const newRecord = ({ headers }: IncomingMessage, apiKey: string): RecordedRequest => ({
  body: undefined,
  headerNames: Object.keys(headers),
  keyWasRight: headers.authorization === `Bearer ${apiKey}` || headers['x-api-key'] === apiKey,
  answer: '',
});

/** Reads the body before anything is refused, so that the record shows it. */
const readInto = async (record: RecordedRequest, req: IncomingMessage): Promise<void> => {
  const text = await readText(req);
  try {
    record.body = JSON.parse(text);
  } catch {
    record.body = undefined;
  }
  const { pathname } = new URL(req.url ?? '/', 'http://model');
  if (pathname !== '/v1/messages') throw new Refusal(404, `Not found: ${pathname}`);
  if (req.method !== 'POST') throw new Refusal(405, 'Method Not Allowed');
  if (!record.keyWasRight) throw new Refusal(401, 'invalid x-api-key');
  if (req.headers['anthropic-version'] === undefined)
    throw new Refusal(400, 'anthropic-version: header is required');
  if (record.body === undefined) throw new Refusal(400, 'The request body is not valid JSON.');
};

const readText = async (req: IncomingMessage): Promise<string> => {
  if (Number(req.headers['content-length'] ?? 0) > bodyBytesMax) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const tooLarge = () => new Refusal(413, `Request exceeds the maximum size of ${bodyBytesMax} bytes.`);
