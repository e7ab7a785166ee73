import type { ServerResponse } from 'node:http';

/**
 * What a test makes go wrong with one request:
 * - `status`: this answer instead of the true one; the request is not performed.
 * - `instead: 'drop'`: the connection breaks and the request is not performed.
 * - `afterwards`: the request is performed, and the client does not hear of it: the connection breaks, or no answer
 *   comes, or another one than the true one does.
 * - `delayMs`: the true answer, later.
 */
export type Fault =
  | WrongAnswer
  | { instead: 'drop' }
  | { afterwards: 'drop' | 'silence' | WrongAnswer }
  | { delayMs: number };

type WrongAnswer = { status: number; headers?: Record<string, string>; body?: string | object };

type InterceptedRequest = { method: string; path: string; query: string };
/** The request waits for it: what an interceptor does meanwhile has happened before the request is performed. */
export type Interceptor = (request: InterceptedRequest) => Fault | undefined | Promise<Fault | undefined>;

/** What is done to the client of a request that was performed, in place of the true answer. */
export type Substitute = (outgoing: ServerResponse) => void;

export const substituteOf = (fault: Fault | undefined): Substitute | undefined => {
  if (fault === undefined || !('afterwards' in fault)) return undefined;
  const { afterwards } = fault;
  if (afterwards === 'drop') return (outgoing) => void outgoing.destroy();
  if (afterwards === 'silence') return () => {};
  return (outgoing) => answerWrongly(afterwards, outgoing);
};

export const answerWrongly = ({ status, headers, body }: WrongAnswer, outgoing: ServerResponse): void => {
  const isText = typeof body === 'string';
  const content = isText ? body : JSON.stringify(body ?? { message: 'A fault on command' });
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8';
  outgoing.writeHead(status, { 'content-type': type, ...headers }).end(content);
};
