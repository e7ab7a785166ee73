import { pino } from 'pino';
import { inertJson } from './domain/inert-json.ts';
import type { Log } from './domain/log.ts';

export type LogOptions = {
  /** `debug`, `info`, `warn`, `error` or `silent`. */
  level: string;
  /** Sees every line in full, as it is about to be written, and gives back what may be. */
  redact: (text: string) => string;
  /** Without it stdout. */
  destination?: { write(line: string): void };
};

/** One line of JSON for each entry. Errors among the fields are told with their code, stack and causes. */
export const createLog = ({ level, redact, destination }: LogOptions): Log => {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: withErrors },
    serializers: { err: asIs },
    // Behind all serializing, so that no field and no form of writing it can slip by.
    hooks: { streamWrite: (line: string) => inertJson(redact(line)) },
  };
  const logger = destination === undefined ? pino(options) : pino(options, destination);
  return {
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
};

/** pino would put its own serializer over the field `err`, which knows no `code` and says every cause twice. */
const asIs = (value: unknown): unknown => value;

const withErrors = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error ? errorFields(value, 0) : value,
    ]),
  );

/** Deeper chains are loops. */
const causesMax = 8;

/** Only these fields: what libraries hang on their errors (headers, requests, bodies) is not for the log. */
const errorFields = (error: Error, depth: number): Record<string, unknown> => ({
  name: error.name,
  message: error.message,
  ...('code' in error ? { code: error.code } : {}),
  stack: error.stack,
  ...(error.cause === undefined || depth === causesMax ? {} : { cause: causeFields(error.cause, depth + 1) }),
});

const causeFields = (cause: unknown, depth: number): unknown =>
  cause instanceof Error ? errorFields(cause, depth) : String(cause);
