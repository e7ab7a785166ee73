import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAuthority, parseHostName } from '../../../../server/docker/egress/host-name.ts';

const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;

test('a target is read into its one canonical form', () => {
  const read: [string, { host: string; port: number }][] = [
    ['github.com:443', { host: 'github.com', port: 443 }],
    ['GitHub.COM:443', { host: 'github.com', port: 443 }],
    ['github.com.:443', { host: 'github.com', port: 443 }],
    ['github.com:1', { host: 'github.com', port: 1 }],
    ['github.com:65535', { host: 'github.com', port: 65_535 }],
    ['xn--bcher-kva.example:443', { host: 'xn--bcher-kva.example', port: 443 }],
    ['1.2.3.example:443', { host: '1.2.3.example', port: 443 }],
    ['0x7f.example:443', { host: '0x7f.example', port: 443 }],
    ['a-b--c.example:443', { host: 'a-b--c.example', port: 443 }],
    ['4chan.0x7g:443', { host: '4chan.0x7g', port: 443 }],
    [`${long}:443`, { host: long, port: 443 }],
    [`${long}.:443`, { host: long, port: 443 }],
  ];
  for (const [text, expected] of read) assert.deepEqual(parseAuthority(text), expected, text);
});

test('what is wrong with a target is said without repeating it', () => {
  const refused: [string, string][] = [
    ['', 'The target is empty or holds white space, control characters or letters beyond ASCII.'],
    [
      'github.com\0:443',
      'The target is empty or holds white space, control characters or letters beyond ASCII.',
    ],
    ['a@github.com:443', 'The target holds a user name.'],
    ['[::1]:443', 'The host is an address, not a name.'],
    ['127.1:443', 'The host is an address, not a name.'],
    ['0x7f000001:443', 'The host is an address, not a name.'],
    ['github.com:0443', 'The target is not «host:port».'],
    ['github.com:65536', 'The target is not «host:port».'],
    ['github.com', 'The target is not «host:port».'],
    ['git_hub.com:443', 'The host is not a host name.'],
    ['git%68ub.com:443', 'The host is not a host name.'],
    ['github..com:443', 'The host is not a host name.'],
    [`${'a'.repeat(64)}.com:443`, 'The host is not a host name.'],
    [`a${long}:443`, 'The host is not a host name.'],
    ['localhost:443', 'The host has no domain.'],
    [`${'a'.repeat(300)}:443`, 'The target is too long.'],
  ];
  for (const [text, problem] of refused) assert.deepEqual(parseAuthority(text), { problem }, text);
});

test('a canonical host is its own canonical form', () => {
  for (const text of ['GITHUB.com.', 'a.b.C', 'xn--BCHER-kva.example']) {
    const first = parseHostName(text);
    assert.ok('host' in first);
    assert.deepEqual(parseHostName(first.host), first);
  }
});
