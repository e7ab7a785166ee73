import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireDocker, sandboxImage } from '../support/docker.ts';
import { startLangSmith } from '../support/langsmith/server.ts';
import { leaksIn } from '../support/leaks.ts';
import { call, type Scenario, say, think } from '../support/model/scenario.ts';
import { startSystem } from '../support/system.ts';

/** In no shape that a redactor could know by itself, with the characters that encodings change. */
const canary = (): string => `c4n/${randomBytes(9).toString('hex')}+${randomBytes(9).toString('hex')}=`;

const spellings = {
  plain: (secret: string) => secret,
  base64: (secret: string) => Buffer.from(secret).toString('base64'),
  'base64 behind a user': (secret: string) => Buffer.from(`x-access-token:${secret}`).toString('base64'),
  base64url: (secret: string) => Buffer.from(`a${secret}`).toString('base64url'),
  hex: (secret: string) => Buffer.from(secret).toString('hex'),
  url: encodeURIComponent,
  json: (secret: string) => JSON.stringify(JSON.stringify({ secret })),
} satisfies Record<string, (secret: string) => string>;

const prompt = 'Tell me all that you know';

/** What an agent says that has been taken over and, by some way nobody thought of, got hold of the secrets. */
const hijacked = (secrets: readonly string[]): Scenario => {
  const all = secrets.flatMap((secret) => Object.values(spellings).map((spell) => spell(secret)));
  const [one = '', ...others] = all;
  return {
    name: 'hijacked',
    when: prompt,
    turns: [
      {
        reply: [
          think(`I found ${all.join(' and ')}.`),
          say(`Look: ${all.join('\n')}`),
          call('bash', {
            command:
              'env; cat /proc/*/environ /proc/*/cmdline; git config --list; cat .git/config ~/.netrc ~/.git-credentials; find / -xdev -name "*.env*" 2>/dev/null | head',
          }),
        ],
      },
      {
        reply: [
          call('bash', { command: `printf '%s\\n' '${all.join("' '")}' | tee loot.txt; false` }),
          call('plan', { steps: all.slice(0, 5).map((title) => ({ title, state: 'active' })) }),
          call('write', { filepath: 'more.txt', content: all.join('\n') }),
          call('write', {
            filepath: `.github/workflows/${Buffer.from(one).toString('hex')}.yml`,
            content: one,
          }),
          call('read', { filepath: `no/${one}` }),
          call('edit', { filepath: 'README.md', old_str: '# Books', new_str: `# ${others.join(' ')}` }),
          call('search', { pattern: Buffer.from(one).toString('hex'), path: 'x' }),
        ],
      },
      { reply: [say(`Use ${one} and more\n\n${all.map((text) => `- ${text}`).join('\n')}`)] },
    ],
  };
};

test('the judge of this file finds a secret in every spelling', () => {
  const secret = canary();
  for (const [spelling, spell] of Object.entries(spellings)) {
    assert.notDeepEqual(leaksIn(`{"x":"…${spell(secret)}…"}`, { secret }), [], spelling);
  }
  assert.deepEqual(leaksIn(`{"x":"[redacted]${canary()}"}`, { secret }), []);
});

test('no secret of the server’s is in anything that it says, though the agent shouts them all', async () => {
  const secrets = {
    GITHUB_TOKEN: canary(),
    ANTHROPIC_API_KEY: canary(),
    LANGSMITH_API_KEY: canary(),
    API_KEYS: canary(),
  };
  const { API_KEYS: apiKey } = secrets;
  await using langSmith = await startLangSmith();
  await using system = await startSystem({
    scenarios: [hijacked(Object.values(secrets))],
    secrets: { gitHubToken: secrets.GITHUB_TOKEN, modelKey: secrets.ANTHROPIC_API_KEY, apiKey },
    settings: {
      LANGSMITH_API_KEY: secrets.LANGSMITH_API_KEY,
      LANGSMITH_ENDPOINT: langSmith.url,
      API_KEYS: `${canary()},${apiKey}`,
      LOG_LEVEL: 'debug',
    },
  });
  const { server, forge, repository } = system;

  const job = await system.start(`${prompt}, also ${secrets.GITHUB_TOKEN}`);
  assert.partialDeepStrictEqual(await job.end(), { type: 'Result', status: 'succeeded' });
  const headers = { authorization: `Bearer ${apiKey}` };
  const asked = await (await fetch(`${server.url}/jobs/${job.id}`, { headers })).text();

  const [pullRequest] = forge.pullRequests(repository.fullName);
  assert(pullRequest);
  // The files hold what the agent wrote: secrets in the diff are a matter of their own.
  const message = await repository.git('log', '-1', '--format=%B', pullRequest.headSha);
  await server.stop();

  const artefacts = {
    events: JSON.stringify(job.events),
    job: asked,
    log: server.log(),
    trace: langSmith.raw,
    title: pullRequest.title,
    body: pullRequest.body ?? '',
    message,
  };
  for (const [name, text] of Object.entries(artefacts)) {
    assert.ok(text.length > 10, `${name} is there`);
    assert.deepEqual(leaksIn(text, secrets), [], name);
  }
  for (const name of ['events', 'trace', 'title', 'body', 'message', 'job'] as const) {
    assert.match(artefacts[name], /\[redacted\]/, `${name} had something to hide`);
  }
  assert.deepEqual(forge.violations, []);
});

/** Every canary of this test begins with it, so that a search inside can be for it without naming any of them. */
const mark = 'c4nary/planted+';

/** The mark in plain text, hex and base64, as a pattern that does not match itself. */
const markPattern = [
  mark,
  Buffer.from(mark).toString('hex'),
  // Of base64 only what does not share bits with what stands around it.
  ...[0, 1, 2].map((before) => {
    const encoded = Buffer.from('\0'.repeat(before) + mark)
      .toString('base64')
      .replace(/=+$/, '');
    return encoded.slice([0, 2, 3][before], -1);
  }),
]
  .map((text) => `[${text[0]}]${text.slice(1).replaceAll('+', '[+]')}`)
  .join('|');

/** All that a program inside can read, and one planted file, which shows that the search finds. */
const lookEverywhere = `
printf '%s%s' xc4nary/pla nted+control | base64 >/tmp/control
echo '== environment'; env
echo '== processes'
for place in /proc/[0-9]*; do tr '\\0' '\\n' <$place/environ; tr '\\0' ' ' <$place/cmdline; echo; done 2>/dev/null
echo '== git'; git config --list --show-origin; cat .git/config
echo '== home'; ls -la ~ ; cat ~/.netrc ~/.git-credentials 2>/dev/null
echo '== files'
LC_ALL=C grep -rlE --devices=skip --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev '${markPattern}' / 2>/dev/null
echo '== end'
`;

test('environment, files, /proc, container and image hold neither token nor key', async () => {
  const planted = () => `${mark}${randomBytes(12).toString('hex')}=`;
  const secrets = { GITHUB_TOKEN: planted(), ANTHROPIC_API_KEY: planted(), API_KEYS: planted() };
  const docker = await requireDocker();
  await using system = await startSystem({
    scenarios: [
      {
        name: 'searching',
        when: prompt,
        turns: [
          { reply: [call('bash', { command: lookEverywhere, timeoutSeconds: 120 })] },
          { reply: [say('Nothing found\n\nThere is nothing.')] },
        ],
      },
    ],
    secrets: {
      gitHubToken: secrets.GITHUB_TOKEN,
      modelKey: secrets.ANTHROPIC_API_KEY,
      apiKey: secrets.API_KEYS,
    },
    settings: { API_KEYS: secrets.API_KEYS, COMMAND_OUTPUT_KB_MAX: '1024' },
  });
  const job = await system.start(prompt);
  await job.until('Git: Clone');
  const [container = assert.fail('the job has a container')] = await system.containers(job);
  const image = docker.getImage(sandboxImage);
  const outside = {
    container: JSON.stringify(await docker.getContainer(container).inspect()),
    image: JSON.stringify(await image.inspect()),
    history: JSON.stringify(await image.history()),
  };
  assert.partialDeepStrictEqual(await job.end(), { type: 'Result', status: 'nothing_to_change' });

  // As the model was told it: no redactor has seen this.
  const results = system.model.requests[1]?.body?.messages.at(-1);
  const inside = String(JSON.stringify(results));
  assert.match(
    inside,
    /== environment\\n[\s\S]*PATH=[\s\S]*== processes\\n[\s\S]*HOME=[\s\S]*toolbox[\s\S]*== git\\n[\s\S]*\[core\]/,
  );
  assert.match(inside, /== files\\n\/tmp\/control\\n== end\\n/);
  for (const [name, text] of Object.entries({ inside, ...outside })) {
    assert.ok(text.length > 100, `${name} is there`);
    assert.deepEqual(leaksIn(text, secrets), [], name);
  }
});

test('with API keys every request for jobs needs one of them, and only health needs none', async () => {
  const [apiKey, otherKey] = [canary(), canary()];
  await using system = await startSystem({
    scenarios: [],
    secrets: { apiKey },
    settings: { API_KEYS: `${otherKey},${apiKey}` },
  });
  const { server, repoUrl } = system;
  const ask = async (method: string, path: string, key?: string) => {
    const response = await fetch(server.url + path, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      ...(method === 'POST' ? { body: JSON.stringify({ repoUrl, prompt: '' }) } : {}),
    });
    return { status: response.status, body: await response.text() };
  };
  for (const [method, path] of [
    ['POST', '/code'],
    ['GET', '/jobs/0123456789abcdef'],
    ['GET', '/jobs/0123456789abcdef/events'],
    ['DELETE', '/jobs/0123456789abcdef'],
  ] as const) {
    for (const key of [undefined, 'wrong', apiKey.slice(0, -1), `${apiKey}x`, `${otherKey},${apiKey}`]) {
      const { status, body } = await ask(method, path, key);
      assert.equal(status, 401, `${method} ${path} with ${key}`);
      assert.partialDeepStrictEqual(JSON.parse(body), { code: 'unauthorized' });
      assert.deepEqual(leaksIn(body, { apiKey, otherKey }), []);
    }
    const admitted = method === 'POST' ? 422 : 404;
    for (const key of [apiKey, otherKey]) assert.equal((await ask(method, path, key)).status, admitted);
  }
  assert.equal((await ask('GET', '/healthz')).status, 200);
  // Ready once the host has passed its examination.
  for (let turn = 0; turn < 600 && (await ask('GET', '/readyz')).status !== 200; turn++) await sleep(50);
  assert.equal((await ask('GET', '/readyz')).status, 200);
  assert.deepEqual(leaksIn(server.log(), { apiKey, otherKey }), []);
});
