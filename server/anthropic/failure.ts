import { APIError } from '@anthropic-ai/sdk';
import type { ErrorCode } from '../domain/errors.ts';
import { isSpendLimit } from './spend-limit.ts';

/** What a failed attempt means. `waitMs` is how long the API asks to wait, where it does. */
export type Failure = {
  retry: boolean;
  words: string;
  waitMs: number | undefined;
  /** For when it is not tried again, or not any more. */
  code: Extract<ErrorCode, 'model_credentials' | 'model_spend_limit' | 'model_failed'>;
  whatToDo: string | undefined;
};

/** The caller has made sure that the error comes from the wire: everything the SDK throws is an AnthropicError. */
export const judge = (error: Error): Failure => {
  const words = wordsOf(error);
  const passing = { retry: true, words, code: 'model_failed', whatToDo: undefined } as const;
  if (!(error instanceof APIError)) return { ...passing, waitMs: undefined };
  const status = statusOf(error);
  const waitMs = askedWaitMs(error.headers);
  if (isSpendLimit(error, status, words)) {
    // The one that says when to come again may be a limit of minutes.
    return { ...passing, retry: status === 429 && waitMs !== undefined, code: 'model_spend_limit', waitMs };
  }
  if (isAboutTheAccount(error, status, words)) {
    return { ...passing, retry: false, code: 'model_credentials', waitMs: undefined };
  }
  if (mayPass(status, error.headers)) return { ...passing, waitMs };
  return { ...passing, retry: false, waitMs: undefined, whatToDo: advice(status, words) };
};

/** Of the answer, or of the error event in the middle of a stream that had begun with 200. */
export const statusOf = (error: APIError): number | undefined =>
  error.status ?? statusOfEvent[error.type ?? ''];

/** The API's own sentence where there is one, of whatever length. */
const wordsOf = (error: Error): string => {
  const said = error instanceof APIError ? saidIn(error.error) : undefined;
  const status = error instanceof APIError ? (error.status ?? error.type) : undefined;
  const cause = error.cause instanceof Error ? causeOf(error, rootOf(error.cause)) : '';
  return said === undefined ? `${error.message}${cause}` : [status, said].join(' ').trim();
};

/** Where Anthropic and others have it in the body. */
const saidIn = (body: unknown): string | undefined => {
  const { error, message, detail } = (body ?? {}) as Record<string, unknown>;
  const inner = (error as { message?: unknown } | null | undefined)?.message;
  return [inner, error, message, detail].find((said) => typeof said === 'string');
};

const causeOf = (error: Error, root: Error): string =>
  root.message === error.message ? '' : ` (${root.message})`;

/** fetch says «fetch failed», and what failed is in the cause of the cause. */
const rootOf = (error: Error): Error => (error.cause instanceof Error ? rootOf(error.cause) : error);

/** An error inside a stream that had begun with 200 has a type only. */
const statusOfEvent: Record<string, number> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
};

/** Without a status the connection failed, or the error came in the middle of a stream. */
const mayPass = (status: number | undefined, headers: Headers | undefined): boolean => {
  const said = headers?.get('x-should-retry');
  if (status !== undefined && (said === 'true' || said === 'false')) return said === 'true';
  return status === undefined || status === 408 || status === 409 || status === 429 || status >= 500;
};

/** Who asks, not what. */
const isAboutTheAccount = (error: APIError, status: number | undefined, words: string): boolean =>
  status === 401 ||
  status === 403 ||
  error.errorCode === 'organization_on_hold' ||
  (status === 400 && /organization has been disabled/i.test(words));

const askedWaitMs = (headers: Headers | undefined): number | undefined => {
  const ms = Number.parseFloat(headers?.get('retry-after-ms') ?? '');
  if (ms >= 0) return ms;
  const after = headers?.get('retry-after') ?? '';
  if (/^\d+(\.\d+)?$/.test(after.trim())) return Number(after) * 1000;
  const date = Date.parse(after);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
};

const advice = (status: number | undefined, words: string): string | undefined => {
  if (status === 404)
    return 'Set MODEL on the server to a model that its key may use, and ANTHROPIC_BASE_URL to where it is.';
  if (status === 413 || /prompt is too long|context (?:length|window)/i.test(words)) {
    return 'Ask for less in one job: the conversation has become too large for the API.';
  }
  if (status === 400) {
    return 'If the message names the model, its output limit, effort or thinking, change the MODEL settings of the server.';
  }
  return undefined;
};
