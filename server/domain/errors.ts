/**
 * Why a job or a request can fail. The code is for programs, the message says what is wrong, `whatToDo` how to
 * go on. HTTP statuses are a matter of `http/`, which has one table for all codes.
 */
export const errorCodes = [
  'invalid_json',
  'unsupported_media_type',
  'body_too_large',
  'invalid_request',
  'unauthorized',
  'forbidden',
  'not_found',
  'method_not_allowed',
  'rate_limited',
  'queue_full',
  'idempotency_key_reused',
  'store_unavailable',
  'lease_lost',
  'died_repeatedly',
  'repository_not_found',
  'repository_empty',
  'repository_too_large',
  'branch_not_found',
  'github_credentials',
  'github_failed',
  'clone_failed',
  'base_refused',
  'changeset_refused',
  'branch_squatted',
  'publish_failed',
  'sandbox_unavailable',
  'sandbox_lost',
  'model_credentials',
  'model_spend_limit',
  'model_failed',
  'model_refused',
  'price_unknown',
  'turn_limit',
  'token_limit',
  'cost_limit',
  'time_limit',
  'agent_stuck',
  'cancelled',
  'server_stopped',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export class AppError extends Error {
  readonly code: ErrorCode;
  /** What the reader can do about it: one sentence. */
  readonly whatToDo: string;
  /** When it is worth to ask again, where that is known. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { whatToDo?: string; cause?: unknown; retryAfterSeconds?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds ?? defaultRetrySeconds[code];
    this.whatToDo =
      options.whatToDo ??
      defaultAdvice[code] ??
      'Send the job again; if it fails again, look at the server log.';
  }
}

/** Whatever was thrown, as the one error type: what we did not foresee is `internal`. */
export const asAppError = (thrown: unknown): AppError => {
  if (thrown instanceof AppError) return thrown;
  // When disposing fails after something else did, what failed first says why.
  if (thrown instanceof SuppressedError && thrown.suppressed instanceof AppError) return thrown.suppressed;
  return new AppError('internal', 'Something failed that the server did not foresee.', { cause: thrown });
};

const defaultRetrySeconds: Partial<Record<ErrorCode, number>> = {
  // A job takes minutes, so a full queue does not get shorter within seconds.
  queue_full: 30,
  store_unavailable: 5,
};

const workSoFar = 'The work so far is at GET /jobs/:id/patch;';

const defaultAdvice: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'Send one of the server’s API keys as «Authorization: Bearer <key>».',
  rate_limited: 'Ask again after the seconds in the header Retry-After.',
  queue_full: 'Try again when jobs have ended.',
  idempotency_key_reused: 'Send another Idempotency-Key with another request.',
  store_unavailable: 'Try again in a moment; GET /readyz says whether the database is there.',
  lease_lost: 'Nothing: another server has the job.',
  died_repeatedly: 'Look into the logs of the servers for what ended them, then send the job again.',
  repository_not_found:
    'Check the URL; for a private repository the server’s GITHUB_TOKEN must be able to read it.',
  repository_empty: 'Push a first commit to the repository, then send the job again.',
  branch_not_found: 'Check the name in baseBranch, or leave it out to use the default branch.',
  github_credentials:
    'Give the server a GITHUB_TOKEN that may write contents and pull requests of this repository.',
  github_failed: 'Send the job again later; see githubstatus.com if it goes on.',
  model_credentials: 'Set a valid ANTHROPIC_API_KEY on the server.',
  model_spend_limit:
    'Raise the limit or add credit where the server’s model account is billed, then send the job again.',
  model_failed: 'Send the job again later.',
  price_unknown: 'Give the server the price of its MODEL in MODEL_PRICES, or set no limit in money.',
  turn_limit: `${workSoFar} ask for less in one job, or raise «limits.turns» or AGENT_TURNS_MAX.`,
  token_limit: `${workSoFar} ask for less in one job, or raise «limits.tokens» or JOB_TOKENS_MAX.`,
  cost_limit: `${workSoFar} ask for less in one job, or raise «limits.costUsd» or JOB_USD_MAX.`,
  time_limit: `${workSoFar} ask for less in one job, or raise «limits.minutes» or JOB_MINUTES_MAX.`,
  agent_stuck: `${workSoFar} say in more detail what to do and how, and send the job again.`,
  server_stopped: 'Send the job again when the server runs.',
  sandbox_unavailable: 'GET /readyz on the server says which part is missing.',
};
