import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';

/** What somebody else's model says in one turn. */
export type Said = { text?: string; calls?: { name: string; input: unknown }[] };

type Json = Record<string, unknown>;
type Request = Json & { messages: { role: string; content: string | Json[] }[] };

/** How somebody else speaks Anthropic's protocol, as gateways, routers and servers of local models do. */
export type Dialect = {
  /** In front of /v1/messages. */
  basePath: string;
  /** What a user is told to set, where it is not that path. */
  shownPath?: string;
  /** Where the key is looked for, and nowhere else. */
  keyIn: 'authorization' | 'x-api-key';
  /** Fields that are refused, wherever they stand; others are ignored. */
  refused?: readonly string[];
  /** Answers for what is refused. */
  refusal?(field: string): { status: number; body: Json };
  /** The reply as lines of a stream, or as one piece of JSON. */
  answer(said: Said, ids: string[]): string | Json;
};

export type CompatibleEndpoint = AsyncDisposable & {
  url: string;
  apiKey: string;
  requests: Request[];
};

/**
 * A second stand-in for a model's API, with nothing in common with the one that imitates Anthropic's: it plays one
 * conversation, by the number of replies that it has given, and minds what a server must mind: the key, and that every
 * call is answered.
 */
export const startCompatibleEndpoint = async (
  dialect: Dialect,
  conversation: readonly Said[],
): Promise<CompatibleEndpoint> => {
  const apiKey = 'sk-somebody-elses-key';
  const requests: Request[] = [];

  const answer = async (req: IncomingMessage, res: ServerResponse) => {
    if (req.method !== 'POST' || req.url !== `${dialect.basePath}/v1/messages`) {
      return send(res, 404, { error: `no route ${req.url}` });
    }
    const key = req.headers[dialect.keyIn];
    if (key !== (dialect.keyIn === 'authorization' ? `Bearer ${apiKey}` : apiKey)) {
      return send(res, 401, { error: { message: 'no auth credentials found', code: 401 } });
    }
    const request = (await json(req)) as Request;
    requests.push(request);
    const field = dialect.refused?.find((name) => isIn(request, name));
    if (field !== undefined) {
      const { status, body } = dialect.refusal?.(field) ?? unknownField(field);
      return send(res, status, body);
    }
    const turn = request.messages.filter(({ role }) => role === 'assistant').length;
    const complaint = unanswered(request, turn - 1);
    const said = conversation[turn];
    if (complaint !== undefined || said === undefined) {
      return send(res, 400, { error: { message: complaint ?? 'the conversation is over' } });
    }
    const reply = dialect.answer(said, idsOf(said, turn));
    return typeof reply === 'string' ? stream(res, reply) : send(res, 200, reply);
  };

  const idsOf = (said: Said, turn: number) => (said.calls ?? []).map((_, index) => `call_${turn}_${index}`);

  const unanswered = ({ messages }: Request, turn: number): string | undefined => {
    const last = messages.at(-1)?.content ?? [];
    const results = Array.isArray(last) ? last.map((block) => block.tool_use_id) : [];
    const missing = idsOf(conversation[turn] ?? {}, turn).find((id) => !results.includes(id));
    return missing && `no result for ${missing}`;
  };

  const server = createServer((req, res) => void answer(req, res));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${dialect.shownPath ?? dialect.basePath}`,
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

/** As a parameter, or as an object within one. */
const isIn = (request: Request, field: string): boolean =>
  Object.hasOwn(request, field) || JSON.stringify(request).includes(`"${field}":{`);

const unknownField = (field: string) => ({
  status: 400,
  body: { error: { message: `${field}: Extra inputs are not permitted`, code: 400 } },
});

const send = (res: ServerResponse, status: number, body: Json): void => {
  res.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
};

/** In pieces of nine bytes, which end in the middle of words, characters and line ends. */
const stream = async (res: ServerResponse, lines: string): Promise<void> => {
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  res.socket?.setNoDelay(true);
  const bytes = Buffer.from(lines);
  for (let at = 0; at < bytes.length; at += 9) {
    res.write(bytes.subarray(at, at + 9));
    await setImmediate();
  }
  res.end();
};
