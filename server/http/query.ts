import type { Context } from 'koa';
import type { JobState } from '../domain/job.ts';
import { InvalidRequest } from './invalid-request.ts';

/** What a request says beside its body: each is read by a grammar of its own, and refused by its name. */

/** Whether the answer is to be JSON where it could be a stream. Whoever takes both gets the stream. */
export const wantsJson = (ctx: Context): boolean => {
  const stream = one(ctx, 'stream');
  if (stream !== undefined && stream !== 'true' && stream !== 'false') {
    throw new InvalidRequest([{ field: 'stream', message: 'must be true or false' }]);
  }
  ctx.vary('Accept');
  if (stream !== undefined) return stream === 'false';
  return !ctx.accepts('text/event-stream') && ctx.accepts('application/json') !== false;
};

/** Up to this number of items; `otherwise` when the request does not say. */
export const limitIn = (ctx: Context, max: number, otherwise: number): number => {
  const text = one(ctx, 'limit');
  if (text === undefined) return otherwise;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= max) return limit;
  throw new InvalidRequest([{ field: 'limit', message: `must be a number from 1 to ${max}` }]);
};

const states = [
  'queued',
  'running',
  'succeeded',
  'failed',
  'cancelled',
] as const satisfies readonly JobState[];

export const stateIn = (ctx: Context): JobState | undefined => {
  const text = one(ctx, 'state');
  if (text === undefined) return undefined;
  const state = states.find((name) => name === text);
  if (state !== undefined) return state;
  throw new InvalidRequest([{ field: 'state', message: `must be one of ${states.join(', ')}` }]);
};

export type Cursor = { field: string; after: number };

/** A browser that connects again sends the header to the URL of its first visit, so the header is the newer one. */
export const cursorIn = (ctx: Context): Cursor => {
  const header = ctx.get('Last-Event-ID');
  const [field, text] = header !== '' ? ['Last-Event-ID', header] : ['after', ctx.query.after ?? '0'];
  if (typeof text !== 'string' || !/^\d{1,9}$/.test(text)) {
    throw new InvalidRequest([{ field: String(field), message: 'must be the number of an event' }]);
  }
  return { field: String(field), after: Number(text) };
};

/** The id of the job before which the page ends. */
export const beforeIn = (ctx: Context): string | undefined => one(ctx, 'before');

const idempotencyHeader = 'Idempotency-Key';

export const idempotencyKeyIn = (ctx: Context): string | undefined => {
  const header = ctx.req.headers['idempotency-key'];
  if (header === undefined) return undefined;
  // What came twice stands there with a comma and a space between.
  if (typeof header === 'string' && /^[\x21-\x7e]{1,200}$/.test(header)) return header;
  throw new InvalidRequest([
    {
      field: idempotencyHeader,
      message: 'must come once, with 1 to 200 visible ASCII characters and no space',
    },
  ]);
};

/** undefined when it is not there; given twice it is nothing that any grammar takes. */
const one = (ctx: Context, name: string): string | undefined => {
  const value = ctx.query[name];
  return Array.isArray(value) ? value.join(',') : value;
};
