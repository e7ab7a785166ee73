import { AppError } from '../domain/errors.ts';
import type { Failure } from './failure.ts';

/** What a job is told of the last failed attempt. `giveUp` is why it was the last, where another one might have done. */
export const finalError = (
  { retry, code, words, waitMs, whatToDo }: Failure,
  attempts: number,
  giveUp: 'attempts' | 'time' | undefined,
  cause: Error,
): AppError => {
  if (giveUp === 'time' && waitMs !== undefined) {
    const until = new Date(Date.now() + waitMs).toISOString();
    const message = `The model API asks to wait until ${until}, for longer than a job may: ${words}`;
    return new AppError(code, message, {
      cause,
      whatToDo: `Send the job again after ${until}, or raise MODEL_RETRY_SECONDS_MAX on the server.`,
      retryAfterSeconds: Math.ceil(waitMs / 1000),
    });
  }
  const what = retry ? `failed ${attempts} times in a row, at last with` : refusals[code];
  return new AppError(code, `The model API ${what}: ${words}`, {
    cause,
    ...(whatToDo === undefined ? {} : { whatToDo }),
  });
};

const refusals = {
  model_credentials: 'does not accept the server’s key',
  model_spend_limit: 'gives nothing more on this account',
  model_failed: 'refused the request',
} satisfies Record<Failure['code'], string>;
