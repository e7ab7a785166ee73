import { timingSafeEqual } from 'node:crypto';

/** Who asks: nobody in particular, the owner of a token, or somebody whose token GitHub does not know. */
export type Caller = 'anonymous' | 'writer' | 'reader' | 'unknown';

/** What may be told of an Authorization header; never the token itself. */
export type Authorization = { kind: 'none' | 'basic' | 'bearer'; caller: Caller };

type Tokens = { writer: string; reader: string };

/** Reads `Basic` (the token is the password), `Bearer`, and `token`, which is what Octokit sends. */
export const readAuthorization = (header: string | undefined, tokens: Tokens): Authorization => {
  if (header === undefined) return { kind: 'none', caller: 'anonymous' };
  const [scheme = '', credentials = ''] = header.split(' ');
  if (scheme.toLowerCase() !== 'basic') return { kind: 'bearer', caller: identify(credentials, tokens) };
  const [, password = ''] = /^[^:]*:(.*)$/s.exec(Buffer.from(credentials, 'base64').toString()) ?? [];
  return { kind: 'basic', caller: identify(password, tokens) };
};

function identify(token: string, { writer, reader }: Tokens): Caller {
  if (equal(token, writer)) return 'writer';
  return equal(token, reader) ? 'reader' : 'unknown';
}

function equal(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
