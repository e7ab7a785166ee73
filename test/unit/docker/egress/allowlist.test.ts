import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultHosts, isAllowed, parseAllowlist } from '../../../../server/docker/egress/allowlist.ts';
import { choosePolicy } from '../../../../server/docker/egress/policy.ts';
import { allowing } from '../../../support/egress-bench.ts';

test('exact hosts and domains are read into canonical form', () => {
  assert.deepEqual(parseAllowlist(['Registry.Example.org.', '*.Example.COM', '*.example.com', 'a.example']), {
    hosts: new Set(['registry.example.org', 'a.example']),
    domains: ['example.com'],
  });
  assert.deepEqual(parseAllowlist([]), { hosts: new Set(), domains: [] });
});

test('an exact host allows itself only, a domain only what is below it', () => {
  const list = allowing('a.example.org', '*.example.com');
  const judged = [
    'a.example.org',
    'b.a.example.org',
    'example.org',
    'xa.example.org',
    'example.com',
    'a.example.com',
    'b.a.example.com',
    'evilexample.com',
    'a.example.com.evil.org',
  ].filter((host) => isAllowed(list, host));
  assert.deepEqual(judged, ['a.example.org', 'a.example.com', 'b.a.example.com']);
});

test('the default list allows its four hosts', () => {
  const list = allowing(...defaultHosts);
  assert.deepEqual(
    ['github.com', 'codeload.github.com', 'raw.githubusercontent.com', 'release-assets.githubusercontent.com']
      .concat('api.github.com', 'gist.github.com', 'objects.githubusercontent.com', 'example.com')
      .filter((host) => isAllowed(list, host)),
    [...defaultHosts],
  );
});

const broken = [
  '',
  ' ',
  '*',
  '*.',
  '*.*.example.com',
  '**.example.com',
  'a.*.example.com',
  '*example.com',
  '.example.com',
  'example',
  '*.com',
  'example.com:443',
  'https://example.com',
  'example.com/path',
  'user@example.com',
  '127.0.0.1',
  '*.0.0.1',
  '[::1]',
  'ex_ample.com',
  'bücher.example',
  'a.example b.example',
  'a.example,b.example',
  'example..com',
  '-a.example',
  `${'a'.repeat(64)}.example`,
];

for (const entry of broken) {
  test(`the entry ${JSON.stringify(entry.slice(0, 30))} refuses the whole list`, () => {
    assert.deepEqual(parseAllowlist(['fine.example', entry]), {
      problems: [`${JSON.stringify(entry)} is neither a host nor «*.domain».`],
    });
  });
}

test('hosts that take data with a foreign token are never allowed, whatever is set', () => {
  assert.deepEqual(
    parseAllowlist(['api.github.com', 'GIST.github.com.', 'x.gist.github.com', '*.api.github.com']),
    {
      problems: [
        '"api.github.com" is never allowed.',
        '"GIST.github.com." is never allowed.',
        '"x.gist.github.com" is never allowed.',
        '"*.api.github.com" is never allowed.',
      ],
    },
  );
  assert.deepEqual(parseAllowlist(['*.github.com']), {
    problems: ['"*.github.com" covers api.github.com, which is never allowed.'],
  });
  // Even a list that was not made by the parser.
  const list = { hosts: new Set(['api.github.com']), domains: ['github.com', 'com'] };
  assert.deepEqual(
    ['api.github.com', 'gist.github.com', 'uploads.github.com', 'x.api.github.com'].filter((host) =>
      isAllowed(list, host),
    ),
    [],
  );
});

const names = ({ allowlist, closed }: ReturnType<typeof choosePolicy>) => ({
  hosts: [...allowlist.hosts],
  domains: allowlist.domains,
  howToAllow: closed?.howToAllow,
});

test('a public repository has the default hosts and what EGRESS_ALLOW adds', () => {
  const repository = { private: false };
  const settings = { allowPrivate: false, publicIsForAll: true };
  assert.deepEqual(names(choosePolicy({ ...settings, allow: undefined }, repository)), {
    hosts: [...defaultHosts],
    domains: [],
    howToAllow: undefined,
  });
  assert.deepEqual(
    names(choosePolicy({ ...settings, allow: ['pypi.example', '*.cdn.example'] }, repository)),
    { hosts: [...defaultHosts, 'pypi.example'], domains: ['cdn.example'], howToAllow: undefined },
  );
});

for (const [what, repository, publicIsForAll] of [
  ['a private repository', { private: true }, true],
  ['a repository on an Enterprise server, public there or not,', { private: false }, false],
] as const) {
  test(`${what} has nothing, unless EGRESS_ALLOW_PRIVATE says otherwise`, () => {
    const settings = { allow: ['pypi.example'], allowPrivate: false, publicIsForAll };
    assert.deepEqual(names(choosePolicy(settings, repository)), {
      hosts: [],
      domains: [],
      howToAllow: 'Set EGRESS_ALLOW_PRIVATE on the server.',
    });
    assert.deepEqual(names(choosePolicy({ ...settings, allowPrivate: true }, repository)), {
      hosts: [...defaultHosts, 'pypi.example'],
      domains: [],
      howToAllow: undefined,
    });
  });
}

test('an empty or unreadable EGRESS_ALLOW allows nothing, not even the default hosts', () => {
  const choose = (allow: string[]) =>
    names(choosePolicy({ allow, allowPrivate: true, publicIsForAll: true }, { private: false }));
  assert.deepEqual(choose([]), {
    hosts: [],
    domains: [],
    howToAllow: 'Name hosts in EGRESS_ALLOW on the server, or leave it unset for the default ones.',
  });
  assert.deepEqual(choose(['pypi.example', 'not a host']), {
    hosts: [],
    domains: [],
    howToAllow: 'Mend EGRESS_ALLOW on the server.',
  });
});
