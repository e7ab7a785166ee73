import { createBench } from './egress-bench.ts';
import { buildClientHello } from './tls-client-hello.ts';
import { createWeakEgress, type Weakness } from './weak-egress.ts';

/** One attempt to get out: a target, what the client says first, and what the resolver answers each time. */
export type Probe = { authority: string; said?: Uint8Array; answers?: readonly string[][] };

/** Whether a connection was made for it, and what the job was told. */
export const attempt = async (probe: Probe, weakness?: Weakness) => {
  const { authority, answers } = probe;
  const bench = createBench({
    ...(weakness ? { create: createWeakEgress(weakness) } : {}),
    ...(answers ? { answers } : {}),
  });
  const gone = new AbortController();
  const said = probe.said ?? helloFor(authority);
  const body = (async function* () {
    yield said;
  })();
  const response = await bench.egress.connect({ authority, body, signal: gone.signal });
  await Array.fromAsync(response.body).catch(() => []);
  gone.abort();
  return { status: response.status, dialled: bench.dialled, denied: bench.denied };
};

/** How many of the probes a weak design lets through: a suite that finds none proves nothing. */
export const letThrough = async (probes: readonly Probe[], weakness: Weakness): Promise<number> => {
  const attempts = await Promise.all(probes.map((probe) => attempt(probe, weakness)));
  return attempts.filter(({ dialled }) => dialled.length > 0).length;
};

/** The ClientHello that every later check would pass, so that only the check in question stands in the way. */
const helloFor = (authority: string): Buffer => {
  const url = `https://${authority}`;
  const name = URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, '') : authority;
  return buildClientHello({ serverNames: [name.slice(0, 300)] });
};

const addressSpellings = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '127.0.0.1.',
  '0177.0.0.1',
  '0177.1',
  '0177.0.0.01',
  '0x7f.0.0.1',
  '0x7f.1',
  '0X7F.1',
  '0x7f000001',
  '0x7F000001',
  '127.0x1',
  '127.0.0x0.1',
  '0x7f.0.0.0x1',
  '017700000001',
  '2130706433',
  '2130706433.',
  '0',
  '0.0.0.0',
  '0x0',
  '1.1.1.1',
  '8.8.8.8',
  '140.82.112.3',
  '2354212867',
  '0x8c527003',
  '140.5402627',
  '140.82.28675',
  '0214.0122.0160.03',
  '169.254.169.254',
  '169.254.43518',
  '169.16689662',
  '2852039166',
  '0xa9fea9fe',
  '0xA9.0xFE.0xA9.0xFE',
  '0251.0376.0251.0376',
  '025177524776',
  '0251.254.169.254',
  '10.0.0.1',
  '10.1',
  '192.168.0.1',
  '192.168.1',
  '172.16.1',
  '100.100.100.200',
  '168.63.129.16',
  '256.256.256.256',
  '1.2.3.4.5',
  '4294967296',
  'github.com.127.0.0.1',
  'github.com.1',
  'github.com.0x7f',
  '0x',
  '1.0x',
];

const address6Spellings = [
  '[::1]',
  '::1',
  '[::]',
  '[0:0:0:0:0:0:0:1]',
  '[0000:0000:0000:0000:0000:0000:0000:0001]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::ffff:0:127.0.0.1]',
  '::ffff:169.254.169.254',
  '[::ffff:a9fe:a9fe]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b::169.254.169.254]',
  '[2002:7f00:1::]',
  '[2001:0:a9fe:a9fe::1]',
  '[fe80::1]',
  '[fe80::1%eth0]',
  '[fe80::1%25eth0]',
  '[fd00:ec2::254]',
  '[fc00::1]',
  '[ff02::1]',
  '[2606:50c0:8000::154]',
  '2606:50c0:8000::154',
  '[v1.x]',
  '[github.com]',
  '[]',
];

const hostSpellings = [
  'user@github.com:443',
  'user:password@github.com:443',
  '@github.com:443',
  'github.com:443@evil.example:443',
  'evil.example@github.com:443',
  'github.com@evil.example:443',
  'github.com%00.evil.example:443',
  'github.com\0.evil.example:443',
  'github.com\0:443',
  'evil.example\0.github.com:443',
  'github.com\t:443',
  'git\thub.com:443',
  'git\nhub.com:443',
  'github.com\r\nHost: evil.example:443',
  ' github.com:443',
  'github.com :443',
  'github.com:443 ',
  'github.com:443\n',
  'github.com\u007f:443',
  'git\u00adhub.com:443',
  'github\u3002com:443',
  'github\uff0ecom:443',
  'ｇｉｔｈｕｂ.com:443',
  'git\u200bhub.com:443',
  'gıthub.com:443',
  'git\u212aub.com:443',
  'gith\u00fcb.com:443',
  '%67ithub.com:443',
  'github%2ecom:443',
  'github.com%2f:443',
  'github.com/:443',
  'github.com:443/',
  'github.com:443/evil',
  'github.com:443?q',
  'github.com:443#f',
  'github.com\\:443',
  'github.com:443\\evil.example',
  '//github.com:443',
  'https://github.com:443',
  'https:github.com:443',
  '/github.com:443',
  'github..com:443',
  '.github.com:443',
  'github.com..:443',
  '..:443',
  '.:443',
  '-github.com:443',
  'github-.com:443',
  'git_hub.com:443',
  'github.com,evil.example:443',
  'github.com;evil.example:443',
  '*.github.com:443',
  '*:443',
  '',
  ':443',
  'github.com',
  'github.com:',
  'github:443',
  'localhost:443',
  'localhost.:443',
  `${'a'.repeat(64)}.github.com:443`,
  `${'a.'.repeat(126)}github.com:443`,
  `${'a'.repeat(100_000)}.github.com:443`,
];

const portSpellings = [
  'github.com:0',
  'github.com:00443',
  'github.com:0443',
  'github.com:+443',
  'github.com:-443',
  'github.com: 443',
  'github.com:443.0',
  'github.com:4_43',
  'github.com:0x1bb',
  'github.com:4e2',
  'github.com:４４３',
  'github.com:65536',
  'github.com:66003',
  'github.com:4294967739',
  'github.com:https',
  'github.com:443:443',
  'github.com:443,80',
  'github.com:80',
  'github.com:22',
  'github.com:9418',
  'github.com:8443',
  'github.com:444',
  'github.com:65535',
];

const otherHosts = [
  'evil.example:443',
  'evilgithub.com:443',
  'evil-github.com:443',
  'xgithub.com:443',
  'github.com.evil.example:443',
  'github.co:443',
  'github.comm:443',
  'www.github.com:443',
  'sub.github.com:443',
  'api.github.com:443',
  'API.GitHub.com:443',
  'api.github.com.:443',
  'gist.github.com:443',
  'GIST.github.com.:443',
  'uploads.github.com:443',
  'x.api.github.com:443',
  'evilcodeload.github.com:443',
  'evil.raw.githubusercontent.com:443',
  'gist.githubusercontent.com:443',
  'githubusercontent.com:443',
  'github.com.localhost:443',
  'metadata.google.internal:443',
  'xn--gthub-cta.com:443',
  'xn--github-.com:443',
];

const targets = (hosts: readonly string[]): Probe[] => hosts.map((host) => ({ authority: `${host}:443` }));

export const addressProbes: readonly Probe[] = targets([...addressSpellings, ...address6Spellings]);
export const spellingProbes: readonly Probe[] = [...hostSpellings, ...portSpellings].map((authority) => ({
  authority,
}));
export const otherHostProbes: readonly Probe[] = otherHosts.map((authority) => ({ authority }));

const answered = (...answers: string[][]): Probe => ({ authority: 'github.com:443', answers });

const open = '140.82.112.3';

/** What a resolver may answer for an allowed name, by mistake or on purpose. */
export const answerProbes: readonly Probe[] = [
  ...['127.0.0.1', '0.0.0.0', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
  ...['169.254.169.254', '100.64.0.1', '100.100.100.200', '168.63.129.16', '192.0.0.192', '192.0.2.1'],
  ...['198.18.0.1', '198.51.100.7', '203.0.113.9', '224.0.0.1', '255.255.255.255', '192.88.99.1'],
  ...['::1', '::', 'fe80::1', 'fe80::1%eth0', 'fd00:ec2::254', '::ffff:127.0.0.1', '::ffff:8c52:7003'],
  ...['64:ff9b::a9fe:a9fe', '64:ff9b:1::8c52:7003', '2002:a9fe:a9fe::', '2001:0:1::1', '2001:db8::1'],
  ...['ff02::1', '3fff::1', '5f00::1', '127.1', '0x7f.1', 'localhost', 'github.com', ''],
]
  .flatMap((address) => [answered([address]), answered([open, address]), answered([address, open])])
  .concat(answered([open, open, open, '10.0.0.1']));

/** The first answer is fine; the next one, if anybody asks, is not. */
export const rebindingProbes: readonly Probe[] = ['127.0.0.1', '169.254.169.254', '::1', '10.0.0.1'].map(
  (inner) => answered([open], [inner]),
);

const says = (said: Uint8Array | string): Probe => ({
  authority: 'github.com:443',
  said: typeof said === 'string' ? Buffer.from(said, 'latin1') : said,
});

const named = (...serverNames: string[]): Probe => says(buildClientHello({ serverNames }));
const withExtension = (type: number, data = Buffer.alloc(8)): Probe =>
  says(buildClientHello({ serverNames: ['github.com'], extensions: [{ type, data }] }));

/** First bytes that are no ClientHello. */
export const notTlsProbes: readonly Probe[] = [
  says('GET / HTTP/1.1\r\nHost: github.com\r\n\r\n'),
  says('POST /upload HTTP/1.0\r\n\r\n'),
  says('CONNECT evil.example:443 HTTP/1.1\r\n\r\n'),
  says('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  says('SSH-2.0-OpenSSH_9.2\r\n'),
  says('PROXY TCP4 127.0.0.1 127.0.0.1 1 443\r\n'),
  says('\r\n\r\n'),
  says(Buffer.from([0x05, 0x01, 0x00])),
  says(Buffer.from([0x80, 0x2e, 0x01, 0x03, 0x01, 0x00, 0x15])),
  says(Buffer.from([0x14, 0x03, 0x03, 0x00, 0x01, 0x01])),
  says(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28])),
  says(Buffer.from([0x17, 0x03, 0x03, 0x00, 0x02, 0x00, 0x00])),
  says(Buffer.from([0x16, 0xfe, 0xff, 0x00, 0x00])),
  says(Buffer.from([0x16, 0x03, 0x01, 0x00, 0x00])),
  says(Buffer.from([0x16, 0x03, 0x01, 0xff, 0xff, 0x01])),
  says(Buffer.alloc(100)),
  says(buildClientHello({ serverNames: ['github.com'], contentType: 23 })),
  says(buildClientHello({ serverNames: ['github.com'], versionMajor: 2 })),
  says(buildClientHello({ serverNames: ['github.com'], messageType: 2 })),
  says(buildClientHello({ serverNames: ['github.com'], trailing: Buffer.from([1, 0, 0, 0]) })),
  says(buildClientHello({ serverNames: ['github.com'] }).subarray(0, 60)),
];

/** ClientHellos that are sound, but do not name the host of the CONNECT request, in clear and once. */
export const serverNameProbes: readonly Probe[] = [
  named('evil.example'),
  named('api.github.com'),
  named('gist.github.com'),
  named('codeload.github.com'),
  named('evil.github.com'),
  named('github.com.evil.example'),
  named('github.co'),
  named('github.com.'),
  named('xgithub.com'),
  named('127.0.0.1'),
  named('169.254.169.254'),
  named('github.com:443'),
  named('github.com\0'),
  named('github.com\0.evil.example'),
  named(' github.com'),
  named('github.com '),
  named('git\xfcub.com'),
  named(''),
  named(),
  named('github.com', 'github.com'),
  named('github.com', 'evil.example'),
  named('evil.example', 'github.com'),
  says(buildClientHello({ serverNames: [{ type: 1, name: Buffer.from('github.com') }] })),
  says(buildClientHello({ serverNames: ['github.com', { type: 1, name: Buffer.from('x') }] })),
  withExtension(0xfe0d),
  withExtension(0xffce),
  withExtension(0xfd00),
  withExtension(0, Buffer.from([0, 5, 0, 0, 2, 97, 98])),
];
