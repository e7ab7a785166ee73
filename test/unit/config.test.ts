import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { ConfigError, readConfig, settingNames } from '../../server/config.ts';

const root = path.resolve(import.meta.dirname, '../..');
const needed = { ANTHROPIC_API_KEY: 'sk-ant-0123456789', GITHUB_TOKEN: 'ghp_0123456789' };

test('.env.example names every setting once, each below a line that explains it, with its default', () => {
  const lines = readFileSync(path.join(root, '.env.example'), 'utf8').split('\n');
  const examples = lines.flatMap((line, index) => {
    const [, name, value] = /^(?:# )?([A-Z][A-Z_]*)=(.*)$/.exec(line) ?? [];
    if (name === undefined) return [];
    assert.match(lines[index - 1] ?? '', /^# .+\.$/, `a sentence above ${name}`);
    return [[name, value]];
  });

  const defaults: Record<string, unknown> = readConfig(needed);
  const expected = settingNames.map((name) => [
    name,
    name in needed || defaults[name] === undefined ? '' : String(defaults[name]),
  ]);
  assert.deepEqual(examples.toSorted(), [...expected, ...Object.entries(ofCompose)].toSorted());
});

const composeFile = readFileSync(path.join(root, 'docker-compose.yml'), 'utf8');

/** What docker-compose.yml alone reads, with its defaults there. */
const ofCompose = { DOMAIN: '', WORKERS: '2' };

test('docker-compose.yml hands every setting on, to workers or web, and no key for a job to web', () => {
  const namesIn = (block = '') => [...block.matchAll(/^ +([A-Z_]+):/gm)].map(([, name = '']) => name);
  const shared = namesIn(/\nx-settings: &settings\n((?: {2}.*\n)+)/.exec(composeFile)?.[1]);
  const handedTo = (service: string) => {
    const [, block = ''] = new RegExp(`\n {2}${service}:\n((?: {4}.*\n)+)`).exec(composeFile) ?? [];
    return [...shared, ...namesIn(/ {4}environment:\n((?: {6}.*\n)+)/.exec(block)?.[1])];
  };
  const web = handedTo('web');
  const ofWebAlone = [
    'API_KEYS',
    'PUBLIC_URL',
    'TRUSTED_PROXY',
    'REQUESTS_PER_MINUTE_MAX',
    'FAILED_KEYS_PER_MINUTE_MAX',
    'CONNECTIONS_MAX',
    'HEADERS_SECONDS_MAX',
    'REQUEST_SECONDS_MAX',
    'REQUEST_KB_MAX',
    'READER_STALLED_SECONDS_MAX',
    'STREAMS_PER_KEY_MAX',
  ];
  // There the name of a worker is its container's.
  const ofNone = ['SERVER_ID'];

  const forWorkers = settingNames.filter((name) => ![...ofWebAlone, ...ofNone].includes(name));
  assert.deepEqual(handedTo('worker').toSorted(), forWorkers.toSorted());
  assert.deepEqual(
    web.filter((name) => !settingNames.includes(name)),
    [],
  );
  assert.deepEqual(
    ofWebAlone.filter((name) => !web.includes(name)),
    [],
  );
  const ofJobs = ['ANTHROPIC_API_KEY', 'GITHUB_TOKEN', 'LANGSMITH_API_KEY', 'DOCKER_HOST'];
  assert.deepEqual(
    web.filter((name) => ofJobs.includes(name)),
    [],
  );
});

test('docker-compose.yml reads no variable but settings and what .env.example tells of it', () => {
  const read = [...composeFile.matchAll(/(?<!\$)\$\{([A-Z_]+)(?::-(\w*)\})?/g)];
  const unknown = read.map(([, name = '']) => name).filter((name) => !settingNames.includes(name));
  assert.deepEqual([...new Set(unknown)].toSorted(), Object.keys(ofCompose).toSorted());
  for (const [, name = '', otherwise] of read) {
    if (name in ofCompose && otherwise !== undefined)
      assert.equal(otherwise, ofCompose[name as keyof typeof ofCompose]);
  }
});

test('an empty value is a setting that is not set', () => {
  assert.deepEqual(
    readConfig({ ...needed, PORT: '', MODEL: '', PUBLIC_URL: '', API_KEYS: '', LANGSMITH_API_KEY: '' }),
    readConfig(needed),
  );
});

test('EGRESS_ALLOW set to nothing is something else than not set: nothing is allowed', () => {
  assert.equal(readConfig(needed).EGRESS_ALLOW, undefined);
  assert.deepEqual(readConfig({ ...needed, EGRESS_ALLOW: '' }).EGRESS_ALLOW, []);
  assert.deepEqual(readConfig({ ...needed, EGRESS_ALLOW: 'a.example, *.b.example' }).EGRESS_ALLOW, [
    'a.example',
    '*.b.example',
  ]);
});

test('values are read as what they mean', () => {
  const config = readConfig({
    ...needed,
    PORT: '0',
    SANDBOX_CPUS: '0.5',
    JOB_USD_MAX: '2.5',
    API_KEYS: ' 0123456789abcdef, fedcba9876543210 ,',
    GITHUB_URL: 'https://git.example.com//',
  });
  assert.deepEqual(config, {
    ...readConfig(needed),
    PORT: 0,
    SANDBOX_CPUS: 0.5,
    JOB_USD_MAX: 2.5,
    API_KEYS: ['0123456789abcdef', 'fedcba9876543210'],
    GITHUB_URL: 'https://git.example.com',
  });
  assert.ok(Object.isFrozen(config));
});

test('prices of models are JSON, and a wrong one is refused as a whole', () => {
  const price = { input: 3, output: 15, cacheWrite: 3.75, cacheRead: 0 };
  const read = (MODEL_PRICES: string) => readConfig({ ...needed, MODEL_PRICES }).MODEL_PRICES;
  assert.equal(readConfig(needed).MODEL_PRICES, undefined);
  assert.deepEqual(read(JSON.stringify({ 'model-1': price })), { 'model-1': price });
  for (const wrong of [
    '{"model-1": ',
    '[]',
    '"model-1"',
    JSON.stringify({ 'model-1': 3 }),
    JSON.stringify({ 'model-1': { ...price, output: -1 } }),
    JSON.stringify({ 'model-1': { ...price, output: '15' } }),
    JSON.stringify({ 'model-1': { ...price, cached: 1 } }),
    JSON.stringify({ 'model-1': { input: 3, output: 15 } }),
  ]) {
    assert.match(
      refusal({ ...needed, MODEL_PRICES: wrong }),
      /^ {2}MODEL_PRICES must be JSON that gives each model these four numbers, none below 0; it is .+"cacheRead": 0\.3\}\}\.$/m,
      wrong,
    );
  }
});

test('everything that is missing or wrong is in one message, and no value is repeated', () => {
  const message = refusal({
    GITHUB_TOKEN: 'canary token',
    API_KEYS: 'canary-short',
    PORT: 'canary-port',
    SANDBOX_CPUS: 'canary-cpus',
    LOG_LEVEL: 'canary-level',
    GITHUB_URL: 'canary://git.example.com',
    COMMIT_AUTHOR_EMAIL: 'canary-address',
    JOB_MINUTES_MAX: '1.5',
    JOB_USD_MAX: '0',
  });

  const named = message.split('\n').flatMap((line) => /^ {2}([A-Z_]+) /.exec(line)?.[1] ?? []);
  assert.deepEqual(named, [
    'ANTHROPIC_API_KEY',
    'GITHUB_TOKEN',
    'PORT',
    'API_KEYS',
    'LOG_LEVEL',
    'GITHUB_URL',
    'COMMIT_AUTHOR_EMAIL',
    'SANDBOX_CPUS',
    'JOB_MINUTES_MAX',
    'JOB_USD_MAX',
  ]);
  assert.match(message, /ANTHROPIC_API_KEY is missing: the key for the model/);
  assert.match(message, /JOB_MINUTES_MAX must be a whole number; it is how long a job may take\./);
  assert.doesNotMatch(message, /canary/);
});

test('proxies are addresses or networks', () => {
  const proxies = '127.0.0.1, 172.16.0.0/12, ::1,fd00::/8';
  assert.deepEqual(readConfig({ ...needed, TRUSTED_PROXY: proxies }).TRUSTED_PROXY, [
    ...['127.0.0.1', '172.16.0.0/12', '::1', 'fd00::/8'],
  ]);
  for (const wrong of [
    'caddy',
    '127.1',
    '10.0.0.0/33',
    '10.0.0.0/x',
    '10.0.0.0/8/8',
    '::/129',
    '/8',
    'true',
  ]) {
    assert.match(
      refusal({ ...needed, TRUSTED_PROXY: wrong }),
      /^ {2}TRUSTED_PROXY must be addresses or networks /m,
      wrong,
    );
  }
});

test('a server that only serves the API needs neither key: ROLE=web', () => {
  assert.partialDeepStrictEqual(readConfig({ ROLE: 'web' }), { ROLE: 'web', SANDBOX_POOL_SIZE: 1 });
  assert.match(
    refusal({ ROLE: 'web', GITHUB_TOKEN: 'short' }),
    /^ {2}GITHUB_TOKEN is too short to be a key; /m,
  );
  for (const ROLE of ['worker', 'all', 'canary']) {
    const message = refusal({ ROLE });
    assert.match(message, /^ {2}ANTHROPIC_API_KEY is missing: .+\n {2}GITHUB_TOKEN is missing: /m);
    assert.equal(/^ {2}ROLE must be web, worker or all/m.test(message), ROLE === 'canary');
  }
});

test('files of a sandbox must fit into its memory', () => {
  assert.match(
    refusal({ ...needed, SANDBOX_MEMORY_MB: '1024' }),
    /^ {2}SANDBOX_MEMORY_MB is 1024, less than /m,
  );
});

test('settings that contradict each other are named', () => {
  assert.match(
    refusal({ ...needed, COMMAND_SECONDS: '901' }),
    /^ {2}COMMAND_SECONDS is 901, more than COMMAND_SECONDS_MAX \(900\)\.$/m,
  );
  assert.match(
    refusal({ ...needed, SANDBOX_PIDS_MAX: '1023' }),
    /^ {2}SANDBOX_PIDS_MAX is 1023, less than twice SANDBOX_PROCESSES_MAX \(512\): /m,
  );
  assert.match(
    refusal({ ...needed, HEADERS_SECONDS_MAX: '31' }),
    /^ {2}HEADERS_SECONDS_MAX is 31, more than REQUEST_SECONDS_MAX \(30\)\.$/m,
  );
  assert.match(
    refusal({ ...needed, MODEL_CONTEXT_TOKENS: '47999' }),
    /^ {2}MODEL_CONTEXT_TOKENS is 47999, less than MODEL_OUTPUT_TOKENS_MAX \(32000\) and 16000 for the request\.$/m,
  );
  const edge = { COMMAND_SECONDS: 900, SANDBOX_PIDS_MAX: 1024, HEADERS_SECONDS_MAX: 30 };
  const given = Object.fromEntries(Object.entries(edge).map(([name, value]) => [name, `${value}`]));
  assert.partialDeepStrictEqual(readConfig({ ...needed, ...given }), edge);
});

test('a key with white space inside, which no request could carry, is refused', () => {
  const message = refusal({ ...needed, API_KEYS: '0123456789abcdef, 01234567 89abcdef' });
  assert.match(message, /^ {2}API_KEYS must not contain white space inside a key; /m);
});

test('a server with wrong settings says one message and ends with exit code 1', async () => {
  const child = spawn(process.execPath, [path.join(root, 'server/main.ts')], {
    env: { PATH: process.env.PATH ?? '', HOST: '0.0.0.0', GITHUB_TOKEN: 'short' },
    // Away from a .env of the developer's.
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  const ended = once(child, 'exit');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const expected = refusal({ HOST: '0.0.0.0', GITHUB_TOKEN: 'short' });
  assert.deepEqual(
    { stdout, stderr, ended: await ended },
    { stdout: '', stderr: `${expected}\n`, ended: [1, null] },
  );
});

const refusal = (environment: Record<string, string>): string => {
  try {
    readConfig(environment);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
  assert.fail('the settings were taken');
};
