import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Refusal, shorten } from './refusal.ts';

/**
 * Headers are never forwarded; those that could make two programs read one request differently (Transfer-Encoding,
 * Trailer, Expect, method overrides, a name given twice) are refused, along with all others that no client here sends.
 */
export const checkHeaders = (request: IncomingMessage, { upgrade }: { upgrade: boolean }): void => {
  if (request.httpVersion !== '1.1') throw new Refusal(400, 'The proxy speaks HTTP/1.1 only.');
  const names = request.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  for (const name of names) {
    if (!known.has(name) && !(upgrade && name === 'upgrade')) {
      throw new Refusal(403, `The server has no need of the header ${shorten(name)}.`);
    }
  }
  if (new Set(names).size !== names.length) throw new Refusal(400, 'A header is given twice.');
  const { upgrade: protocol, connection } = request.headers;
  const asked = upgrade ? 'upgrade' : 'keep-alive or close';
  const isAsked = upgrade
    ? protocol === 'tcp' && connection?.toLowerCase() === 'upgrade'
    : /^(keep-alive|close)?$/i.test(connection ?? '');
  if (!isAsked) throw new Refusal(403, `The header Connection may say ${asked} here, and Upgrade tcp.`);
};

const known = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-length',
  'content-type',
  'host',
  'user-agent',
]);

/** What describes the connection between engine and proxy is not said about the one between proxy and server. */
export const passOn = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !hopByHop.has(name)));

const hopByHop = new Set(['connection', 'keep-alive', 'trailer', 'transfer-encoding', 'upgrade']);
