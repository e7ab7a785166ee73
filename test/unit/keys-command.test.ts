import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoredApiKey } from '../../server/domain/api-key.ts';
import { KeysCommandError, readKeysCommand } from '../../server/keys-command.ts';
import type { ApiKeys } from '../../server/store/api-keys.ts';

/** Keys that note what they are told to do. */
const recordingKeys = (all: StoredApiKey[] = []) => {
  const calls: unknown[] = [];
  const keys: ApiKeys = {
    async add(key) {
      calls.push(['add', key]);
      return key.name === 'taken' ? undefined : 'tb_the_key';
    },
    list: async () => all,
    async revoke(name) {
      calls.push(['revoke', name]);
      return name === 'known';
    },
  };
  return { keys, calls };
};

const run = async (line: string, all?: StoredApiKey[]) => {
  const { keys, calls } = recordingKeys(all);
  const said = await readKeysCommand(line.split(' ').filter(Boolean))(keys);
  return { said, calls };
};

const refusal = async (line: string): Promise<string> => {
  const error = await run(line).then(
    () => assert.fail(`«${line}» was taken`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof KeysCommandError, `${error}`);
  return error.message;
};

test('a key is made with the limits that are asked for, and shown', async () => {
  const line = 'add ci@work.1 --running 2 --per-hour=30 --repositories octo/books,acme/*';
  const { said, calls } = await run(line);
  assert.equal(
    said,
    'tb_the_key\n\nThis is the key of ci@work.1. It is shown once: the database has its digest only.\n',
  );
  const limits = { runningMax: 2, jobsPerHourMax: 30, repositories: ['octo/books', 'acme/*'] };
  assert.deepEqual(calls, [['add', { name: 'ci@work.1', ...limits }]]);
  const none = { runningMax: null, jobsPerHourMax: null, repositories: null };
  assert.deepEqual((await run('add me')).calls, [['add', { name: 'me', ...none }]]);
  assert.match(await refusal('add taken'), /^There is a key with the name taken: /);
});

test('a key is revoked by its name', async () => {
  const { said, calls } = await run('revoke known');
  assert.deepEqual(
    [said, calls],
    ['known is revoked: within seconds no server takes it any more.\n', [['revoke', 'known']]],
  );
  assert.equal(await refusal('revoke stranger'), 'There is no valid key with the name stranger.');
});

test('keys are listed with their limits, and without what opens anything', async () => {
  assert.equal((await run('list')).said, 'There are no keys in the database.\n');
  const digest = new Uint8Array(32).fill(7);
  const times = { createdAt: '2026-01-02T03:04:05.678Z', revokedAt: null };
  const { said } = await run('list', [
    {
      id: 'aa',
      name: 'one',
      digest,
      ...times,
      runningMax: 2,
      jobsPerHourMax: 30,
      repositories: ['o/b', 'a/*'],
    },
    {
      ...{ id: 'bb', name: 'two', digest, ...times, revokedAt: '2026-02-03T04:05:06.789Z' },
      ...{ runningMax: null, jobsPerHourMax: null, repositories: null },
    },
  ]);
  assert.equal(
    said,
    'one  tb_aa_…  made 2026-01-02  2 running  30 an hour  o/b a/*\n' +
      'two  tb_bb_…  made 2026-01-02  revoked 2026-02-03  all repositories\n',
  );
});

test('what cannot be understood changes nothing and says what can', async () => {
  for (const line of [
    '',
    'add',
    'add a b',
    'list all',
    'list --running 1',
    'revoke',
    'revoke a b',
    'remove a',
  ]) {
    assert.match(await refusal(line), /npm run keys -- add NAME /, line);
  }
  assert.match(await refusal('add a --rate 5'), /--rate/);
  assert.match(await refusal('add a/b'), /^A name has /);
  for (const number of ['0', '-1', '1.5', 'x', '1000000']) {
    assert.match(await refusal(`add a --running=${number}`), /^--running must be a number /);
    assert.match(await refusal(`add a --per-hour=${number}`), /^--per-hour must be a number /);
  }
  const patterns = [
    '*',
    '*/*',
    'octo',
    'octo/',
    '/books',
    'octo/bo*',
    'o*/books',
    'octo/books/x',
    'octo/books.git',
  ];
  for (const pattern of [...patterns, 'octo/..', 'https://github.com/octo/books', 'octo/books,', 'a/b,c']) {
    assert.match(await refusal(`add a --repositories ${pattern}`), /^--repositories must be /, pattern);
  }
});
