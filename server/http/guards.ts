import type { Context, Middleware } from 'koa';
import type { ApiKey } from '../domain/api-key.ts';
import { AppError } from '../domain/errors.ts';
import type { Keyring } from './keyring.ts';
import type { RateLimit } from './rate-limit.ts';

export type KeyGuardOptions = {
  keyring: Keyring;
  /** Whether everybody is served as long as there is no key: the caller then listens on loopback only. */
  servesWithoutKeys: boolean;
  addressOf(ctx: Context): string;
  requests: RateLimit;
  failures: RateLimit;
};

/**
 * Admits requests that carry one of the keys, as many as one key may send. Wrong keys are counted by address, and
 * never keep a right one out: behind one address may be many people, and a key is not found by guessing.
 */
export const requireKey =
  ({ keyring, servesWithoutKeys, addressOf, requests, failures }: KeyGuardOptions): Middleware =>
  async (ctx, next) => {
    await keyring.refresh();
    if (servesWithoutKeys && keyring.isEmpty()) {
      requests.take(addressOf(ctx));
    } else {
      const token = /^Bearer +(\S+)$/i.exec(ctx.get('Authorization'))?.[1];
      const key = token === undefined ? undefined : keyring.find(token);
      if (key === undefined) {
        failures.take(addressOf(ctx));
        throw refuse(ctx, token);
      }
      requests.take(key.id);
      ctx.state.key = key;
    }
    await next();
  };

/** Who asks; undefined where the server has no keys. */
export const keyOf = (ctx: Context): ApiKey | undefined => ctx.state.key;

const refuse = (ctx: Context, token: string | undefined): AppError => {
  ctx.set(
    'WWW-Authenticate',
    `Bearer realm="tiny-backspace"${token === undefined ? '' : ', error="invalid_token"'}`,
  );
  return new AppError(
    'unauthorized',
    token === undefined ? 'This server wants an API key.' : 'The API key is not one of this server’s.',
  );
};

/** Limits what is answered without a key. */
export const limitByAddress =
  ({ addressOf, requests }: Pick<KeyGuardOptions, 'addressOf' | 'requests'>): Middleware =>
  async (ctx, next) => {
    requests.take(addressOf(ctx));
    await next();
  };

/**
 * Without keys the server listens on loopback only, and whoever is on this machine may use it. A web page may not:
 * one that lets its own name point to 127.0.0.1 (DNS rebinding) still sends that name as the Host. Behind a public
 * name only that and loopback names are answered.
 */
export const requireKnownHost =
  (keyring: Keyring, publicUrl: string | undefined): Middleware =>
  async (ctx, next) => {
    const host = (ctx.req.headers.host ?? '').toLowerCase();
    const isKnown = keyring.isEmpty()
      ? isLoopbackHost(host)
      : publicUrl === undefined || isLoopbackHost(host) || hostsOf(publicUrl).includes(host);
    if (isKnown) return next();
    throw keyring.isEmpty()
      ? new AppError('forbidden', 'A server without API keys answers to loopback names only.', {
          whatToDo: 'Ask for 127.0.0.1, localhost or [::1], or give the server API keys.',
        })
      : new AppError('forbidden', 'This server answers to its public name only.', {
          whatToDo: 'Ask for the host of the server’s setting PUBLIC_URL.',
        });
  };

const isLoopbackHost = (host: string): boolean => /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/.test(host);

/** With and without the port, where it is the protocol’s own. */
const hostsOf = (url: string): string[] => {
  const { host, port, protocol } = new URL(url);
  return port === '' ? [host, `${host}:${protocol === 'https:' ? 443 : 80}`] : [host];
};

/**
 * A browser says which page a request comes from. A foreign page’s may read at most, and not even that, since no
 * answer of ours lets another origin see it.
 */
export const refuseForeignOrigin =
  (publicUrl: string | undefined): Middleware =>
  async (ctx, next) => {
    const { origin } = ctx.req.headers;
    const isOurs =
      publicUrl === undefined
        ? isLoopbackHost((origin ?? '').replace(/^https?:\/\//, '').toLowerCase())
        : origin?.toLowerCase() === new URL(publicUrl).origin;
    if (origin === undefined || isOurs || ctx.method === 'GET' || ctx.method === 'HEAD') return next();
    throw new AppError('forbidden', 'A web page of another origin cannot do this.', {
      whatToDo: 'Send the request without the header Origin, or from the server’s own address.',
    });
  };
