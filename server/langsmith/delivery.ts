import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../domain/log.ts';
import { cut } from '../domain/visible-text.ts';

/**
 * The fetch of the langsmith client. What cannot be delivered is given up here, and the client is told that all went
 * well: left to itself it would keep what failed in memory, try again for a minute and a half, hold the process open
 * for as long, and write each failure past our log to the console.
 */
export type Delivery = {
  fetch: typeof fetch;
  /** Aborts at the next `stop`. */
  signal(): AbortSignal;
  /** Gives up everything under way and all that is still to come, until `resume`. */
  stop(): void;
  resume(): void;
};

export const createDelivery = (redact: (text: string) => string, log: Log): Delivery => {
  let stopped = new AbortController();
  let failing = false;

  const report = (error: unknown): void => {
    if (!failing)
      log.warn({ error: redact(wordsOf(error)) }, 'traces do not reach LangSmith and are dropped');
    failing = true;
  };

  const deliver: typeof fetch = async (input, init) => {
    const { signal } = stopped;
    try {
      // The client streams its bodies; a second attempt needs the bytes. A batch has a few MB, and few are under way.
      const body = init?.body == null ? null : new Uint8Array(await new Response(init.body).arrayBuffer());
      const response = await attempts(
        String(input),
        { ...init, body },
        failing ? 1 : attemptsUsually,
        signal,
      );
      if (failing) log.info({}, 'traces reach LangSmith again');
      failing = false;
      return response;
    } catch (error) {
      if (!signal.aborted) report(error);
      return Response.json({}, { status: 202 });
    }
  };
  return {
    fetch: deliver,
    signal: () => stopped.signal,
    stop: () => stopped.abort(),
    resume: () => {
      if (stopped.signal.aborted) stopped = new AbortController();
    },
  };
};

/** While it fails: one, so that a dead service costs little. */
const attemptsUsually = 3;
const attemptTimeoutMs = 10_000;
const backoffMs = 500;

const attempts = async (
  url: string,
  init: RequestInit,
  attemptsMax: number,
  signal: AbortSignal,
): Promise<Response> => {
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    const last = attempt === attemptsMax;
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(attemptTimeoutMs)]);
      const response = await fetch(url, { ...init, signal: limit });
      // With 404 an older server says that it does not know this endpoint; the client then uses another.
      if (response.ok || (response.status === 404 && url.endsWith('/runs/multipart'))) return response;
      const words = await response.text();
      if (last || !mayPass(response.status)) throw new Refused(`${response.status} ${cut(words, 500)}`);
    } catch (error) {
      if (last || error instanceof Refused) throw error;
    }
    await sleep(backoffMs * 2 ** (attempt - 1), undefined, { signal });
  }
};

class Refused extends Error {}

const mayPass = (status: number): boolean => status === 408 || status === 429 || status >= 500;

const wordsOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
};
