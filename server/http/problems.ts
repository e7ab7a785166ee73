import { STATUS_CODES } from 'node:http';
import type { Context, Middleware } from 'koa';
import { AppError, asAppError } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import { errorStatus } from './error-status.ts';
import { InvalidRequest } from './invalid-request.ts';

/** The one place where errors become answers: problem documents as RFC 9457 has them. */
export const problems =
  (log: Log): Middleware =>
  async (ctx, next) => {
    try {
      await next();
      refuseUnanswered(ctx);
    } catch (thrown) {
      const error = asAppError(thrown);
      const status = errorStatus[error.code];
      if (status === 500) log.error({ err: thrown, method: ctx.method, path: ctx.path }, 'a request failed');
      // A stream that has begun cannot turn into a problem: cut it, and the reader comes back with its cursor.
      if (ctx.headerSent) ctx.res.destroy();
      else answer(ctx, status, error);
    }
  };

const answer = (ctx: Context, status: number, error: AppError): void => {
  ctx.status = status;
  ctx.body = {
    type: 'about:blank',
    title: STATUS_CODES[status],
    status,
    detail: error.message,
    code: error.code,
    whatToDo: error.whatToDo,
    ...(error instanceof InvalidRequest && { errors: error.errors }),
  };
  // After the body, because Koa derives a type of its own from it.
  ctx.set('Content-Type', 'application/problem+json');
  ctx.set('Cache-Control', 'no-store');
  if (error.retryAfterSeconds !== undefined) ctx.set('Retry-After', String(error.retryAfterSeconds));
};

/** What no route has answered; the router has set status and `Allow` where only the method does not fit. */
const refuseUnanswered = (ctx: Context): void => {
  if (ctx.respond === false) return;
  if (ctx.status === 405 || ctx.status === 501) {
    throw new AppError('method_not_allowed', `${ctx.method} is not possible here.`, {
      whatToDo: 'Use one of the methods in the Allow header.',
    });
  }
  if (ctx.status === 404 && !ctx.body) {
    throw new AppError('not_found', 'There is nothing at this path.', {
      whatToDo: 'Check the path; POST /code starts a job.',
    });
  }
};
