export type Authority = { host: string; port: number };
export type Problem = { problem: string };

/**
 * Reads the target of a CONNECT request, `host:port`, against the raw grammar. `new URL` would forgive what this must
 * not: user names, encodings, tabs, letters beyond ASCII and the many spellings of an address, each of which another
 * program reads differently. A problem never repeats the text, which is hostile.
 */
export const parseAuthority = (text: string): Authority | Problem => {
  if (text.length > hostCharactersMax + '.:65535'.length) return { problem: 'The target is too long.' };
  if (!/^[\x21-\x7e]+$/.test(text)) {
    return {
      problem: 'The target is empty or holds white space, control characters or letters beyond ASCII.',
    };
  }
  if (text.includes('@')) return { problem: 'The target holds a user name.' };
  if (/[[\]]|:.*:/.test(text)) return { problem: addressProblem };

  const [, name, digits] = /^([^:]+):([1-9][0-9]{0,4})$/.exec(text) ?? [];
  const port = Number(digits);
  if (name === undefined || port > 65_535) return { problem: 'The target is not «host:port».' };

  const parsed = parseHostName(name);
  return 'problem' in parsed ? parsed : { host: parsed.host, port };
};

/**
 * A full host name in its one canonical form: lower case, without the root's dot. Letters, digits and hyphens only
 * (RFC 1123, section 2.1), so punycode passes and what it stands for does not.
 */
export const parseHostName = (text: string): { host: string } | Problem => {
  // Only within ASCII is toLowerCase safe: it turns the Kelvin sign into an ordinary k.
  if (!/^[A-Za-z0-9.-]+$/.test(text)) return { problem: hostNameProblem };
  const host = text.toLowerCase().replace(/\.$/, '');
  const labels = host.split('.');
  if (isAddressLike(labels)) return { problem: addressProblem };
  if (labels.length < 2) return { problem: 'The host has no domain.' };
  if (host.length > hostCharactersMax || !labels.every(isLabel)) return { problem: hostNameProblem };
  return { host };
};

const hostCharactersMax = 253;
const hostNameProblem = 'The host is not a host name.';
const addressProblem = 'The host is an address, not a name.';

/**
 * Whether some program takes this for an IPv4 address: inet_aton reads one to four numbers, each decimal, octal or
 * hexadecimal. No top-level domain is a number, so the last label decides (as in the WHATWG URL standard, «ends in a
 * number»), whatever stands before.
 */
const isAddressLike = (labels: readonly string[]): boolean =>
  /^([0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '');

const isLabel = (label: string): boolean =>
  label.length <= 63 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(label);
