import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRepositoryUrl } from '../../../server/domain/repository-url.ts';

const githubUrl = 'https://github.com';

/** The weak design: what `new URL` makes of the text. The suite below must catch it. */
const parseTrustingly = (text: string): unknown => {
  const url = URL.parse(text.trim());
  const [, owner, name] = url?.pathname.split('/') ?? [];
  return url?.host === 'github.com' && owner && name ? { owner, name } : { problem: 'no' };
};

const accepted: [text: string, owner: string, name: string][] = [
  ['https://github.com/octocat/hello-world', 'octocat', 'hello-world'],
  ['https://github.com/octocat/hello-world/', 'octocat', 'hello-world'],
  ['https://github.com/octocat/hello-world.git', 'octocat', 'hello-world'],
  ['https://github.com/octocat/hello-world.git/', 'octocat', 'hello-world'],
  ['HTTPS://GitHub.COM/OctoCat/Hello', 'OctoCat', 'Hello'],
  ['https://github.com/a/b', 'a', 'b'],
  ['https://github.com/a-b-c/..b', 'a-b-c', '..b'],
  ['https://github.com/octocat/.github', 'octocat', '.github'],
  ['https://github.com/octocat/...', 'octocat', '...'],
  ['https://github.com/octocat/-', 'octocat', '-'],
  ['https://github.com/octocat/a.gitignore', 'octocat', 'a.gitignore'],
  ['https://github.com/octocat_acme/x_y', 'octocat_acme', 'x_y'],
  [`https://github.com/${'a'.repeat(39)}/${'n'.repeat(100)}`, 'a'.repeat(39), 'n'.repeat(100)],
  [`https://github.com/${'a'.repeat(39)}/${'n'.repeat(100)}.git/`, 'a'.repeat(39), 'n'.repeat(100)],
];

const schemes = [
  'http://',
  'git://',
  'ssh://',
  'ssh://git@',
  'git+https://',
  'file://',
  'ftp://',
  'ws://',
  'data:',
  'javascript:',
  '//',
  '',
  'https:',
  'https:/',
  'https:///',
  'https:\\\\',
  'https:/\\',
  'httpſ://',
  'ｈttps://',
  ' https://',
  '\thttps://',
  'ht\ntps://',
  '\u0000https://',
  '\ufeffhttps://',
  'view-source:https://',
  'https://https://',
];

const hosts = [
  'evil.example',
  'github.com.evil.example',
  'evil.example/github.com',
  'github.com@evil.example',
  'github.com:x@evil.example',
  'evil.example#github.com',
  'evil.example?github.com',
  'evil.example\\github.com',
  'github.com\\@evil.example',
  'github.com%2eevil.example',
  'github.com%00.evil.example',
  'github.com%2f',
  'xgithub.com',
  'www.github.com',
  'api.github.com',
  'gist.github.com',
  'raw.githubusercontent.com',
  'github.co',
  'github.comm',
  'github.org',
  'githubcom',
  'github..com',
  '.github.com',
  'github.com.',
  'github。com',
  'github．com',
  'github｡com',
  'ｇithub.com',
  'gіthub.com',
  'gıthub.com',
  'gİthub.com',
  'ɡithub.com',
  'gitһub.com',
  'github.ⅽom',
  'github.c\u200bom',
  'git\u00adhub.com',
  'github.com\u202e',
  'github\t.com',
  'github\n.com',
  'github\r.com',
  'github .com',
  'github%2ecom',
  '%67ithub.com',
  'github.com:443',
  'github.com:80',
  'github.com:8443',
  'github.com:0443',
  'github.com:',
  'github.com:65979',
  'user@github.com',
  'user:token@github.com',
  ':@github.com',
  '@github.com',
  'x-access-token:ghs_secret@github.com',
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '0',
  '0.0.0.0',
  '１２７.0.0.1',
  '①②⑦.0.0.1',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[fe80::1%25eth0]',
  '169.254.169.254',
  '2852039166',
  '[fd00:ec2::254]',
  'metadata.google.internal',
  'localhost',
  'localhost:5432',
  'host.docker.internal',
  '127.0.0.1.nip.io',
  '140.82.121.4',
];

const paths = [
  '',
  '/',
  '//',
  '/o',
  '/o/',
  '/o//',
  '//o/r',
  '/o//r',
  '/o/r//',
  '/o/r/x',
  '/o/r/tree/main',
  '/o/r/pull/1',
  '/o/r.git/info/refs',
  '/o/r/.git',
  '/o/r.git.git',
  '/o/r.GIT',
  '/o/.git',
  '/o/.git.git',
  '/o/.',
  '/o/..',
  '/./r',
  '/../r',
  '/o/../r',
  '/o/./r',
  '/o/r/..',
  '/o/r/.',
  '/o/..;/r',
  '/o/r;x',
  '/o/r?x=1',
  '/o/r?',
  '/o/r#x',
  '/o/r#',
  '/o/r/?x',
  '/o/r.git?service=git-receive-pack',
  '/o/r%2e',
  '/o/%2e%2e',
  '/o%2fr',
  '/o/r%2fx',
  '/o/r%00',
  '/o/r%0a',
  '/o/r%252e',
  '/o/%72',
  '/o/r%',
  '/o\\r',
  '/o/r\\',
  '/o/..\\x',
  '\\o\\r',
  '/o/r ',
  '/o/ r',
  '/o /r',
  '/ o/r',
  '/o/r\n',
  '/o/r\r\n',
  '/o/r\t',
  '/o/r\u0000',
  '/o/r\u0000.git',
  '/o/r\u007f',
  '/o/r\u0085',
  '/o/r\u00a0',
  '/o/r\u2028',
  '/o/r\u200b',
  '/o/r\u202e',
  '/o/r\ufeff',
  '/o/r\ud800',
  '/o/ｒ',
  '/о/r',
  '/o／r',
  '/o∕r',
  '/o⁄r',
  '/o/‥',
  '/o/．．',
  '/o/é',
  '/o/e\u0301',
  '/o/r:main',
  '/o/r@main',
  '/o/r+x',
  '/o/r*',
  '/o/$HOME',
  '/o/`id`',
  '/o/r|id',
  '/o/r&x',
  "/o/r'x",
  '/o/r"x',
  '/o/<r>',
  '/o/{r}',
  '/o/[r]',
  '/o/r^x',
  '/o/r~',
  '/o/r,x',
  '/o/r!x',
  '/-o/r',
  '/o-/r',
  '/o--o/r',
  '/_o/r',
  '/o_/r',
  '/o_a_b/r',
  '/o_a-b/r',
  '/o.o/r',
  '/~o/r',
  '/@o/r',
  '/-/r',
  '/--upload-pack=x/r',
  `/${'a'.repeat(40)}/r`,
  `/o/${'n'.repeat(101)}`,
  `/o/${'n'.repeat(101)}.git`,
  `/o/r${'/'.repeat(5_000)}`,
  `/${'a-'.repeat(50_000)}/r`,
];

const refused = [
  ...schemes.map((scheme) => `${scheme}github.com/o/r`),
  ...hosts.flatMap((host) => [`https://${host}/o/r`, `https://${host}/o/r.git`, `HTTPS://${host}/o/r/`]),
  ...paths.flatMap((path) => [`https://github.com${path}`, `HTTPS://GITHUB.COM${path}`]),
  ...paths.map((path) => `https://github.com:443${path}`),
  ...[' ', '\n', '\t', '\u0000', '\u00a0', '\u200b'].flatMap((blank) => [
    `${blank}https://github.com/o/r`,
    `https://github.com/o/r${blank}`,
    `https://github.com${blank}/o/r`,
    `https://github.com/${blank}o/r`,
    `https://github.com/o${blank}/r`,
    `https://git${blank}hub.com/o/r`,
  ]),
  'git@github.com:o/r.git',
  'github.com/o/r',
  'o/r',
];

test('the accepted spellings give owner and name', () => {
  assert.deepEqual(
    accepted.map(([text]) => [text, parseRepositoryUrl(text, githubUrl)]),
    accepted.map(([text, owner, name]) => [text, { owner, name }]),
  );
});

test('hundreds of other spellings are refused, each with a problem', () => {
  assert.ok(refused.length > 600, `${refused.length} spellings`);
  const letThrough = refused.filter((text) => !('problem' in parseRepositoryUrl(text, githubUrl)));
  assert.deepEqual(letThrough, []);
});

test('a parser that trusts new URL would let many of these spellings through', () => {
  const letThrough = refused.filter((text) => !Object.hasOwn(Object(parseTrustingly(text)), 'problem'));
  assert.ok(letThrough.length > 100, `${letThrough.length} spellings`);
});

test('a problem does not repeat a token that stands in the URL', () => {
  assert.deepEqual(parseRepositoryUrl('https://x:ghp_secret@github.com/o/r', githubUrl), {
    problem: 'must be https://github.com/<owner>/<name>',
  });
});

test('with an Enterprise Server only its scheme, host and port are accepted', () => {
  const url = 'https://git.kite.example:8443/';
  assert.deepEqual(parseRepositoryUrl('https://Git.Kite.example:8443/o/r.git', url), {
    owner: 'o',
    name: 'r',
  });
  const others = [
    'https://git.kite.example/o/r',
    'https://git.kite.example:443/o/r',
    'https://git.kite.example:84430/o/r',
    'http://git.kite.example:8443/o/r',
    // The Kelvin sign, whose lower case is an ordinary k.
    'https://git.\u212aite.example:8443/o/r',
    'https://github.com/o/r',
  ];
  assert.deepEqual(
    others.filter((text) => !('problem' in parseRepositoryUrl(text, url))),
    [],
  );
});

test('plain http is accepted only when the configured URL is http', () => {
  const url = 'http://127.0.0.1:3001';
  assert.deepEqual(parseRepositoryUrl('http://127.0.0.1:3001/o/r', url), { owner: 'o', name: 'r' });
  const others = ['https://127.0.0.1:3001/o/r', 'http://127.0.0.1/o/r', 'http://127.1:3001/o/r'];
  assert.deepEqual(
    others.filter((text) => !('problem' in parseRepositoryUrl(text, url))),
    [],
  );
});
