import type { EgressDenial } from '../../domain/egress.ts';
import type { WayOutResponse } from '../../domain/sandbox.ts';

export const sentences = ({ host, reason, howToAllow }: EgressDenial): string =>
  `Egress to ${host} is denied. ${reason} ${howToAllow}`;

/** A refusal before the tunnel is open: one line of plain text for the status line and for who reads the body. */
export const say = (status: number, line: string): WayOutResponse => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: once(Buffer.from(`${line}\n`)),
});

/**
 * A refusal within an open tunnel, in the language that the client has begun to speak, so that it fails at once and
 * says why: a fatal TLS alert (RFC 8446, section 6), or an HTTP response, which whoever waits for another protocol
 * shows as what it got.
 */
export const farewell = (speaksTls: boolean, alert: keyof typeof alerts, line: string): Uint8Array => {
  if (speaksTls) return Uint8Array.of(21, 3, 1, 0, 2, 2, alerts[alert]);
  const body = `${line}\n`;
  const head = `HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close`;
  return Buffer.from(`${head}\r\n\r\n${body}`);
};

const alerts = { access_denied: 49, internal_error: 80 } as const;

const once = async function* (piece: Uint8Array): AsyncGenerator<Uint8Array> {
  yield piece;
};
