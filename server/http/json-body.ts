import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import getRawBody from 'raw-body';
import { AppError } from '../domain/errors.ts';

/**
 * The request's JSON. Only `application/json` will do: a form or text/plain is what a foreign web page could send
 * without asking first.
 */
export const readJsonBody = async (ctx: Context, bytesMax: number): Promise<unknown> => {
  refuseOtherTypes(ctx);
  const bytes = await readBytes(ctx.req, bytesMax);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AppError('invalid_json', 'The body is not JSON in UTF-8.', {
      whatToDo: 'Send a JSON object such as {"repoUrl": "…", "prompt": "…"}.',
      cause,
    });
  }
};

const refuseOtherTypes = (ctx: Context): void => {
  const isJson = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(ctx.get('Content-Type'));
  const isEncoded = !/^(identity)?$/i.test(ctx.get('Content-Encoding'));
  if (isJson && !isEncoded) return;

  ctx.set('Accept-Post', 'application/json');
  if (isEncoded) ctx.set('Accept-Encoding', 'identity');
  throw new AppError('unsupported_media_type', 'The body must be uncompressed application/json in UTF-8.', {
    whatToDo: 'Send the header «Content-Type: application/json».',
  });
};

const readBytes = async (req: IncomingMessage, bytesMax: number): Promise<Buffer> => {
  try {
    return await getRawBody(req, { limit: bytesMax, length: req.headers['content-length'] ?? null });
  } catch (thrown) {
    if (typeOf(thrown) === 'entity.too.large') {
      linger(req);
      throw new AppError('body_too_large', `The body is larger than ${bytesMax} bytes.`, {
        whatToDo: 'Send a shorter prompt.',
        cause: thrown,
      });
    }
    // The client went away in the middle, or the server's time limit for requests cut it off.
    throw new AppError('invalid_json', 'The body ended before it was complete.', {
      whatToDo: 'Send the request again.',
      cause: thrown,
    });
  }
};

const typeOf = (thrown: unknown): unknown =>
  typeof thrown === 'object' && thrown !== null && 'type' in thrown ? thrown.type : undefined;

const lingerMs = 1_000;
const lingerBytesMax = 1 << 20;

/**
 * A connection that is closed while the client still writes is reset, and the answer is lost with it. So, like other
 * servers, drop what comes for a moment, and only then the connection.
 */
const linger = (req: IncomingMessage): void => {
  let bytes = 0;
  const timer = setTimeout(() => req.destroy(), lingerMs);
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > lingerBytesMax) req.destroy();
  });
  req.once('close', () => clearTimeout(timer));
  req.resume();
};
