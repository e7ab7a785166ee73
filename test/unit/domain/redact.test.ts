import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createRedactor } from '../../../server/domain/redact.ts';

const token = `opaque+${randomBytes(12).toString('hex')}/Q~z?9`;
const awkward = 'pä"ss\\wörd & 100%\n€';
const redactor = createRedactor([token, awkward, 'short', '']);

const bytes = (text: string) => Buffer.from(text);

for (const [name, secret] of Object.entries({
  'a token': token,
  'a password with special characters': awkward,
})) {
  test(`${name} is masked however it is spelled`, () => {
    const url = encodeURIComponent(secret);
    const spelled = {
      plain: secret,
      json: JSON.stringify(secret).slice(1, -1),
      'json in json': JSON.stringify(JSON.stringify(secret)).slice(3, -3),
      url,
      'url in lower case': url.replace(/%../g, (code) => code.toLowerCase()),
      form: new URLSearchParams([['', secret]]).toString().slice(1).replaceAll('%7E', '~'),
      'url, every byte': bytes(secret).toString('hex').replace(/../g, '%$&'),
      hex: bytes(secret).toString('hex'),
      'hex in upper case': bytes(secret).toString('hex').toUpperCase(),
    };
    for (const [spelling, text] of Object.entries(spelled)) {
      assert.equal(redactor.text(`<${text}> and <${text}>`), '<[redacted]> and <[redacted]>', spelling);
    }
  });

  for (const encoding of ['base64', 'base64url'] as const) {
    test(`${name} is masked in ${encoding}, wherever it stands in what was encoded`, () => {
      for (const before of ['', 'a', 'ab', 'abc', 'user:', 'https://x-access-token:']) {
        for (const after of ['', '\n', '\r\n', '@git', 'more']) {
          const encoded = bytes(`${before}${secret}${after}`).toString(encoding);
          const masked = redactor.text(`"${encoded}"`);
          assert.match(masked, /^"[\w+/-]*\[redacted\][\w+/=-]*"$/, encoded);
          // At each edge one character may stay that holds a few bits of the secret beside its neighbours'.
          const left = masked.length - '[redacted]""'.length;
          const around = encoded.length - Math.floor((bytes(secret).length * 4) / 3);
          assert.ok(left <= around + 2, `${encoded} → ${masked}`);
        }
      }
    });
  }
}

test('tokens of known shapes are masked although nobody gave them', () => {
  const none = createRedactor([]);
  const letters = 'aB3dE6gH9jK2mN5pQ8rT1vW4yZ7bC0dF3gH6';
  const pem = [
    '-----BEGIN RSA PRIVATE KEY-----',
    'MIIEpAIBAAKCAQEA7v',
    'x+/9==',
    '-----END RSA PRIVATE KEY-----',
  ];
  for (const [text, expected] of [
    ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_', 'sk-ant-api03-', 'lsv2_pt_'].map((prefix) => [
      `token=${prefix}${letters};`,
      'token=[redacted];',
    ]),
    [`key tb_0123456789ab_${'0'.repeat(48)}.`, 'key tb_0123456789ab_[redacted].'],
    [`curl -H "Authorization: Bearer opaque"`, `curl -H "Authorization: Bearer [redacted]"`],
    [`{"authorization":"Basic dXNlcjpwYXNz"}`, `{"authorization":"Basic [redacted]"}`],
    [`authorization: token ${letters}`, 'authorization: token [redacted]'],
    [`sent bearer ${letters}`, 'sent bearer [redacted]'],
    [
      `git clone https://x-access-token:abc.def@127.0.0.1/a/b`,
      'git clone https://x-access-token:[redacted]@127.0.0.1/a/b',
    ],
    [`key:\n${pem.join('\n')}\nend`, 'key:\n[redacted]\nend'],
    [JSON.stringify({ key: pem.join('\n') }), '{"key":"[redacted]"}'],
    [`cut off:\n${pem.slice(0, 2).join('\n')}`, 'cut off:\n[redacted]'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----', '[redacted]'],
  ] as const) {
    assert.equal(none.text(text ?? ''), expected);
  }
});

test('ordinary text stays as it is', () => {
  for (const text of [
    'Basic authentication-and-authorization, bearer of bad-news-everybody',
    'the highs_and_lows, ghp_short, sk-ant-x, lsv2_',
    "if (line.startsWith('-----BEGIN PUBLIC KEY-----')) return 'short';",
    'authorization: see the docs',
    'ssh://git@127.0.0.1/a/b, mailto:x-access-token@example',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  ]) {
    assert.equal(redactor.text(text), text);
  }
});

test('of a PEM header in source code only the header goes', () => {
  assert.equal(
    redactor.text("if (line === '-----BEGIN PRIVATE KEY-----') { read(); }"),
    "if (line === '[redacted]') { read(); }",
  );
});

test('a secret within a longer one leaves no remainder', () => {
  const nested = createRedactor(['abcdefgh', 'abcdefgh-ijklmnop']);
  assert.equal(nested.text('abcdefgh-ijklmnop abcdefgh'), '[redacted] [redacted]');
});

test('redacting twice changes nothing more', () => {
  const once = redactor.text(`Authorization: Bearer ${token} https://x-access-token:${token}@host`);
  assert.equal(redactor.text(once), once);
});

test('a line of JSON is still JSON after redacting', () => {
  const value = {
    a: awkward,
    b: `"${token}\\`,
    c: '-----BEGIN PRIVATE KEY-----\n"x"',
    d: 'Authorization: Basic ab"',
  };
  assert.deepEqual(JSON.parse(redactor.text(JSON.stringify(value))), {
    a: '[redacted]',
    b: '"[redacted]\\',
    c: '[redacted]"x"',
    d: 'Authorization: Basic [redacted]"',
  });
});

test('deep covers keys and values at any depth and leaves the original alone', () => {
  const value = { [token]: [{ deep: { text: `x${token}y`, n: 1, yes: true, none: null, gone: undefined } }] };
  const before = structuredClone(value);
  assert.deepEqual(redactor.deep(value), {
    '[redacted]': [{ deep: { text: 'x[redacted]y', n: 1, yes: true, none: null, gone: undefined } }],
  });
  assert.deepEqual(value, before);
});

test('deep keeps a key that looks like a prototype a plain key', () => {
  const redacted = redactor.deep(JSON.parse('{"__proto__":{"polluted":true}}'));
  assert.deepEqual(Object.keys(redacted), ['__proto__']);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test('deep ends on what refers to itself', () => {
  const loop: { self?: unknown } = {};
  loop.self = loop;
  assert.match(JSON.stringify(redactor.deep(loop)), /"\[too deep\]"/);
});
