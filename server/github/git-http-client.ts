import type { GitHttpRequest, GitHttpResponse, HttpClient } from 'isomorphic-git';
import { AppError } from '../domain/errors.ts';
import type { Base } from '../domain/repository.ts';
import { Unclear } from './attempts.ts';
import { limitBytes, quotable, readAll } from './bytes.ts';
import { basicAuthorization, repositoryUrl } from './git-url.ts';
import type { GitHubOptions } from './options.ts';
import { isRateLimit, type Refusal, rateLimited } from './rate-limit.ts';

/**
 * HTTP for isomorphic-git, bound to one repository: its own client dies after five silent seconds, asks for
 * credentials by whatever URL answered 401, and reads answers without a limit. No redirect is followed; the name of
 * the repository is canonical already.
 */
export const createGitHttpClient = (options: GitHubOptions, base: Base, signal: AbortSignal): HttpClient => ({
  request: async ({ url, method = 'GET', headers = {}, body }: GitHttpRequest): Promise<GitHttpResponse> => {
    if (!url.startsWith(`${repositoryUrl(options, base)}/`)) {
      throw new AppError('publish_failed', 'The push would have left its repository: refused.');
    }
    try {
      if (method !== 'GET') await options.beforeWrite?.();
      const response = await fetch(url, {
        method,
        headers: {
          ...headers,
          'user-agent': options.userAgent,
          authorization: basicAuthorization(options),
        },
        body: body === undefined ? null : await readAll(asyncPieces(body)),
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(options.limits.gatewayMs)]),
      });
      // isomorphic-git reads answers in the background, where a broken connection would end the process.
      const answer = await readAll(
        limitBytes(response.body ?? asyncPieces([]), answerBytesMax, 'An answer to git'),
      );
      const refusal = refusalOf(response, answer);
      if (isRateLimit(refusal)) throw rateLimited(refusal);
      return {
        url,
        method,
        statusCode: response.status,
        statusMessage: response.statusText,
        headers: Object.fromEntries(response.headers),
        body: asyncPieces([answer]),
      };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AppError) throw error;
      throw new Unclear('github_failed', `GitHub did not answer git: ${whatFailed(error)}`, error);
    }
  },
});

/** More than is quoted of a refusal. */
const quotedBytesMax = 1_000;

/** Of what is no refusal only the status counts. */
const refusalOf = ({ status, headers }: Response, answer: Buffer): Refusal => ({
  status,
  message: status < 400 ? '' : quotable(answer.subarray(0, quotedBytesMax).toString()),
  headers: Object.fromEntries(headers),
});

/** The list of all branches and tags: 60 bytes and a name for each. */
const answerBytesMax = 64 << 20;

const asyncPieces = async function* (
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  yield* pieces;
};

/** fetch says «fetch failed» and hides the reason in its cause. */
const whatFailed = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown error';
  return quotable(error.cause instanceof Error ? error.cause.message : error.message);
};
