import { AppError } from '../domain/errors.ts';

/** An answer that says no; the names of its headers are in lower case. */
export type Refusal = { status: number; message: string; headers: Readonly<Record<string, unknown>> };

/** docs.github.com, «Rate limits for the REST API»: 429, or a 403 that says so somewhere. */
export const isRateLimit = ({ status, message, headers }: Refusal): boolean =>
  status === 429 ||
  (status === 403 &&
    (headers['x-ratelimit-remaining'] === '0' ||
      headers['retry-after'] !== undefined ||
      /rate limit/i.test(message)));

export const rateLimited = (refusal: Refusal, cause?: unknown): AppError =>
  new AppError('github_failed', `GitHub’s rate limit for this token is used up: ${refusal.message}`, {
    whatToDo: `Send the job again after ${limitEnds(refusal)}.`,
    cause,
  });

/** GitHub says when, or else asks to wait for a minute. */
const limitEnds = ({ headers }: Refusal): string => {
  const retryAfter = Number(headers['retry-after']);
  const reset = headers['x-ratelimit-remaining'] === '0' ? Number(headers['x-ratelimit-reset']) : Number.NaN;
  const at = Number.isFinite(retryAfter) ? Date.now() + retryAfter * 1000 : reset * 1000;
  const known = Number.isFinite(at) && Math.abs(at) < 8.64e15;
  return new Date(known ? at : Date.now() + 60_000).toISOString();
};
