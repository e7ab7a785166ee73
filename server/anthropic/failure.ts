import { APIError } from '@anthropic-ai/sdk';
import type { ErrorCode } from '../domain/errors.ts';

/** What a failed attempt means. `waitMs` is how long the API asks to wait, where it does. */
export type Failure =
  | { retry: true; words: string; waitMs: number | undefined }
  | {
      retry: false;
      words: string;
      code: Extract<ErrorCode, `model_${string}`>;
      whatToDo: string | undefined;
    };

/** The caller has made sure that the error comes from the wire: everything the SDK throws is an AnthropicError. */
export const judge = (error: Error): Failure => {
  const words = wordsOf(error);
  if (!(error instanceof APIError)) return { retry: true, words, waitMs: undefined };
  const status = error.status ?? statusOfEvent[error.type ?? ''];
  if (status === 401 || status === 403) {
    return { retry: false, words, code: 'model_credentials', whatToDo: undefined };
  }
  if (mayPass(status, error.headers)) return { retry: true, words, waitMs: askedWaitMs(error.headers) };
  return { retry: false, words, code: 'model_failed', whatToDo: advice(status) };
};

const wordsMax = 500;

/** The API's own sentence where there is one. */
const wordsOf = (error: Error): string => {
  const body =
    error instanceof APIError ? (error.error as { error?: { message?: unknown } } | undefined) : undefined;
  const said = body?.error?.message;
  const status = error instanceof APIError ? (error.status ?? error.type) : undefined;
  const cause = error.cause instanceof Error ? ` (${rootOf(error.cause).message})` : '';
  const words = typeof said === 'string' ? [status, said].join(' ').trim() : `${error.message}${cause}`;
  return words.length > wordsMax ? `${words.slice(0, wordsMax)}…` : words;
};

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

const askedWaitMs = (headers: Headers | undefined): number | undefined => {
  const ms = Number.parseFloat(headers?.get('retry-after-ms') ?? '');
  if (ms >= 0) return ms;
  const after = headers?.get('retry-after') ?? '';
  const seconds = Number.parseFloat(after);
  if (seconds >= 0) return seconds * 1000;
  const date = Date.parse(after);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
};

const advice = (status: number | undefined): string | undefined => {
  if (status === 404) return 'Set MODEL on the server to a model that its key may use.';
  if (status === 402) return 'Check the billing of the server’s Anthropic account.';
  if (status === 413) return 'Ask for less in one job: the conversation has become too large for the API.';
  if (status === 400) {
    return 'If the message names the model, its effort or thinking, change the MODEL settings of the server.';
  }
  return undefined;
};
