import type { IncomingMessage } from 'node:http';

/** Where this request's client reached the server: the Host header, or the address where it has none to show. */
export const baseUrlOf = (req: IncomingMessage): string => {
  const host = req.headers.host ?? '';
  if (/^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/.test(host)) return `http://${host}`;
  const { localAddress = '127.0.0.1', localPort } = req.socket;
  return `http://${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`;
};
