import { createHash, timingSafeEqual } from 'node:crypto';
import type { Middleware } from 'koa';
import { AppError } from '../domain/errors.ts';

/** Admits requests that carry one of the keys. Without any key it admits all: see `requireLoopbackHost`. */
export const requireKey = (apiKeys: readonly string[]): Middleware => {
  const digests = apiKeys.map(sha256);

  return async (ctx, next) => {
    if (digests.length > 0) {
      const token = /^Bearer +(\S+)$/i.exec(ctx.get('Authorization'))?.[1];
      if (token === undefined || !isOneOf(digests, sha256(token))) {
        ctx.set(
          'WWW-Authenticate',
          `Bearer realm="tiny-backspace"${token === undefined ? '' : ', error="invalid_token"'}`,
        );
        throw new AppError(
          'unauthorized',
          token === undefined ? 'This server wants an API key.' : 'The API key is not one of this server’s.',
        );
      }
    }
    await next();
  };
};

/**
 * Without keys the server listens on loopback only, and whoever is on this machine may use it. A web page may not:
 * one that lets its own name point to 127.0.0.1 (DNS rebinding) still sends that name as the Host.
 */
export const requireLoopbackHost: Middleware = async (ctx, next) => {
  if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i.test(ctx.req.headers.host ?? '')) {
    throw new AppError('forbidden', 'A server without API keys answers to loopback names only.', {
      whatToDo: 'Ask for 127.0.0.1, localhost or [::1], or give the server API keys.',
    });
  }
  await next();
};

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Digests have one length and every key is compared, so the time taken tells nothing about any key. */
const isOneOf = (digests: readonly Buffer[], candidate: Buffer): boolean =>
  digests.reduce((found, digest) => timingSafeEqual(digest, candidate) || found, false);
