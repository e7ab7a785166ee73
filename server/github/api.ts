import { Octokit } from '@octokit/rest';
import { AppError } from '../domain/errors.ts';
import { createApiFetch } from './api-fetch.ts';
import { attempt, Unclear } from './attempts.ts';
import { quotable } from './bytes.ts';
import type { GitHubOptions } from './options.ts';
import { isRateLimit, type Refusal, rateLimited } from './rate-limit.ts';

/** What GitHub said, or the refusal that the caller had foreseen. */
type Answer<T> = { ok: true; data: T } | { ok: false; status: number; message: string };

type Call<T> = (rest: Octokit['rest'], request: { signal: AbortSignal }) => Promise<{ data: T }>;

/**
 * GitHub's REST API. Both methods throw AppError: `github_credentials`, `github_failed`, and `Unclear` when it is
 * not known what became of the request. Statuses listed in `foreseen` come back as an answer.
 */
export type Api = {
  /** Asks for something; repeats when there is no answer. */
  read<T>(call: Call<T>, signal: AbortSignal, foreseen?: readonly number[]): Promise<Answer<T>>;
  /** Asks for a change, once. */
  change<T>(call: Call<T>, signal: AbortSignal, foreseen?: readonly number[]): Promise<Answer<T>>;
};

export const createApi = (options: GitHubOptions): Api => {
  const { rest } = new Octokit({
    auth: options.token,
    baseUrl: options.apiUrl,
    userAgent: options.userAgent,
    // Octokit's own log goes to the console, where no redactor sees it.
    log: { debug: silent, info: silent, warn: silent, error: silent },
    request: { fetch: createApiFetch(options.apiUrl) },
  });

  const ask: Api['change'] = async (call, signal, foreseen = []) => {
    const withTimeout = AbortSignal.any([signal, AbortSignal.timeout(options.limits.apiTimeoutMs)]);
    try {
      const { data } = await call(rest, { signal: withTimeout });
      return { ok: true, data };
    } catch (thrown) {
      signal.throwIfAborted();
      const refusal = refusalOf(thrown);
      if (refusal === undefined) throw unanswered(thrown);
      if (foreseen.includes(refusal.status) && !isRateLimit(refusal)) return { ok: false, ...refusal };
      throw refused(refusal, thrown);
    }
  };

  return {
    async change(call, signal, foreseen) {
      await options.beforeWrite?.();
      return ask(call, signal, foreseen);
    },
    read: (call, signal, foreseen) => attempt(() => ask(call, signal, foreseen), signal),
  };
};

const silent = (): void => {};

/** undefined when no answer came: Octokit then makes up a status of 500 without a response. */
const refusalOf = (thrown: unknown): Refusal | undefined => {
  if (!(thrown instanceof Error && 'response' in thrown && 'status' in thrown)) return undefined;
  const { response, status } = thrown;
  if (typeof status !== 'number' || typeof response !== 'object' || response === null) return undefined;
  const headers = 'headers' in response && typeof response.headers === 'object' ? response.headers : null;
  // Octokit appends the address of GitHub's documentation to the message.
  const message = quotable(thrown.message.replace(/ - https?:\S+$/, ''));
  return { status, message, headers: { ...headers } };
};

const unanswered = (thrown: unknown): AppError => {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  if (cause instanceof AppError) return cause;
  const why = thrown instanceof Error ? quotable(thrown.message) : 'unknown error';
  return new Unclear('github_failed', `GitHub’s API did not answer: ${why}`, thrown);
};

const refused = (refusal: Refusal, cause: unknown): AppError => {
  const { status, message } = refusal;
  if (isRateLimit(refusal)) return rateLimited(refusal, cause);
  if (status >= 500)
    return new Unclear('github_failed', `GitHub’s API failed with status ${status}: ${message}`, cause);
  if (status === 401) {
    return new AppError('github_credentials', `GitHub refuses the server’s token: ${message}`, { cause });
  }
  // GitHub hides with a 404 what a token may not touch.
  if (status === 403 || status === 404) {
    return new AppError('github_credentials', `GitHub does not let the server’s token do this: ${message}`, {
      cause,
    });
  }
  return new AppError('github_failed', `GitHub’s API refused with status ${status}: ${message}`, { cause });
};
