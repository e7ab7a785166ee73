import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../domain/errors.ts';

/**
 * Whether the database was away, as opposed to having refused the statement: connections that fail or break, and
 * PostgreSQL's classes 08 (connection), 57P (shut down) and 53 (no room); or was too busy: a statement that took too long, a
 * deadlock, a lock that was not to be had; or gave up on a transaction in which this server was silent (25P03). See https://www.postgresql.org/docs/current/errcodes-appendix.html.
 */
export const isAway = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const { code = '' } = error as { code?: string };
  return (
    /^(08|53|57P|57014|25P03|40001|40P01|55P03)/.test(code) ||
    /^(ECONN|EPIPE|ENOTFOUND|ENOENT|ETIMEDOUT|EHOSTUNREACH|EAI_AGAIN)/.test(code) ||
    /Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
      error.message,
    )
  );
};

const unavailable = (cause: unknown): AppError =>
  new AppError('store_unavailable', 'The database cannot be reached.', { cause });

/** For whoever has somebody waiting: says so at once. */
export const impatient = async <T>(action: () => Promise<T>): Promise<T> => {
  try {
    return await action();
  } catch (error) {
    throw isAway(error) ? unavailable(error) : error;
  }
};

const pauseMs = 500;

/** For a job, which waits until the database is back, for `patienceMs` at most. The action may be done twice. */
export const patient = async <T>(action: () => Promise<T>, patienceMs: number): Promise<T> => {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!isAway(error)) throw error;
      if (performance.now() > until) throw unavailable(error);
      await sleep(pauseMs);
    }
  }
};
