import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * Who asks, for limits by address. `X-Forwarded-For` is whatever the client says, but for what our own proxies have
 * written at its end: from there each address is believed as long as a trusted one wrote it. Of IPv6 the first half
 * counts, since whoever has one address has the 2^64 beside it.
 */
export const createClientAddress = (
  trustedProxies: readonly string[],
): ((req: IncomingMessage) => string) => {
  const trusted = new BlockList();
  for (const network of trustedProxies) {
    const [address = '', bits] = network.split('/');
    trusted.addSubnet(address, Number(bits ?? (isIPv4(address) ? 32 : 128)), familyOf(address));
  }

  return (req) => {
    const forwarded = [req.headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
    let address = plain(req.socket.remoteAddress ?? '');
    while (isIP(address) !== 0 && trusted.check(address, familyOf(address))) {
      const before = plain(forwarded.pop()?.trim() ?? '');
      if (isIP(before) === 0) break;
      address = before;
    }
    return isIP(address) === 6 ? firstHalf(address) : address;
  };
};

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv4(address) ? 'ipv4' : 'ipv6');

/** Without zone, and an IPv4 address that came over an IPv6 socket as what it is. */
const plain = (address: string): string => address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');

const firstHalf = (address: string): string => {
  const [before = '', after] = address.split('::');
  const groups = before === '' ? [] : before.split(':');
  const missing = after === undefined ? 0 : 8 - groups.length - (after === '' ? 0 : after.split(':').length);
  const all = [...groups, ...new Array<string>(Math.max(0, missing)).fill('0'), ...(after ?? '').split(':')];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group || '0', 16).toString(16))
    .join(':')}::/64`;
};
