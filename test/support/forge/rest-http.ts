import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from './authorization.ts';
import type { Substitute } from './faults.ts';
import type { Rest } from './rest.ts';
import { rateLimit } from './rest-account.ts';
import { failure, type RestAnswer } from './rest-answer.ts';

const bodyBytesMax = 1 << 20;

/** With a `substitute` all the work is done, and the answer is left to it. */
type RestHttp = (
  path: string,
  query: URLSearchParams,
  caller: Caller,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  substitute: Substitute | undefined,
) => Promise<void>;

export const createRestHttp = (rest: Rest): RestHttp => {
  let used = 0;
  return async (path, query, caller, incoming, outgoing, substitute) => {
    used += 1;
    const answer = await answerOf(rest, path, query, caller, incoming);
    if (substitute !== undefined) return substitute(outgoing);
    const rate = rateLimit(caller === 'anonymous', used);
    const content = answer.status === 204 ? '' : JSON.stringify(answer.body);
    outgoing.writeHead(answer.status, {
      ...(content === '' ? {} : { 'content-type': 'application/json; charset=utf-8' }),
      'x-github-request-id': `FORGE:${used.toString(16).toUpperCase().padStart(8, '0')}`,
      'x-ratelimit-limit': rate.limit,
      'x-ratelimit-remaining': rate.remaining,
      'x-ratelimit-used': rate.used,
      'x-ratelimit-reset': rate.reset,
      'x-ratelimit-resource': 'core',
      ...(caller === 'anonymous' || caller === 'unknown' ? {} : { 'x-oauth-scopes': 'repo' }),
      ...answer.headers,
    });
    outgoing.end(content);
  };
};

async function answerOf(
  rest: Rest,
  path: string,
  query: URLSearchParams,
  caller: Caller,
  incoming: IncomingMessage,
): Promise<RestAnswer> {
  const method = incoming.method ?? '';
  // GitHub turns clients away that do not say who they are.
  if (incoming.headers['user-agent'] === undefined) {
    return failure(403, 'Request forbidden by administrative rules.');
  }
  const text = await readText(incoming);
  if (text === undefined) return failure(413, 'Payload too large');
  try {
    return await rest({ method, path, query, body: text === '' ? undefined : JSON.parse(text), caller });
  } catch (error) {
    if (error instanceof SyntaxError) return failure(400, 'Problems parsing JSON');
    // A percent sign that begins no escape.
    if (error instanceof URIError) return failure(400, 'Bad Request');
    throw error;
  }
}

async function readText(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    // What is too much is still read to its end, so that the client hears the answer.
    if (bytes <= bodyBytesMax) chunks.push(chunk);
  }
  return bytes > bodyBytesMax ? undefined : Buffer.concat(chunks).toString();
}
