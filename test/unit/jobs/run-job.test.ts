import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../../server/domain/errors.ts';
import type { BaseRepository, GitHub } from '../../../server/domain/github.ts';
import type { HeldJob } from '../../../server/domain/job.ts';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import type { Ports, Settings } from '../../../server/jobs/ports.ts';
import { runJob } from '../../../server/jobs/run-job.ts';
import { base } from '../../support/base.ts';
import { queuedFact, queuedJob, recordingLog } from '../../support/jobs.ts';
import { createMemorySandbox } from '../../support/memory-sandbox.ts';
import { openDrivenStore } from '../../support/postgres/driven-store.ts';
import { createRecordedSpan } from '../../support/recorded-span.ts';
import { createScriptedModel, text } from '../../support/scripted-model.ts';

const url = 'https://github.com/octo/books/pull/1';

const settings: Settings = {
  identity: { name: 'Bot', email: 'bot@example.com' },
  changeset: { filesMax: 10, bytesMax: 1_000 },
  checkpoint: { filesMax: 10, bytesMax: 1_000 },
  checks: { checkMs: 1_000, roundsMax: 1 },
  lossesMax: 1,
  jobMs: 60_000,
  deathsMax: 3,
  takeBackAgainMs: 1,
  images: [],
  setup: { ms: 1_000, forge: 'https://github.com' },
  agent: {
    turnsMax: 3,
    tokensMax: 10_000,
    inputTokensMax: 100_000,
    commandMs: 1_000,
    commandMsMax: 1_000,
    outputBytesMax: 1_000,
    readBytesMax: 1_000,
    filesMax: 10,
    matchesMax: 10,
  },
};

const nothing = async () => {};

/** A job whose every step goes well, on ports without a wire; the test says which part fails. */
const run = async (
  failing: { sandbox?: Error; baseRepository?: Error; resolve?: Error; base?: Error },
  signal = new AbortController().signal,
  /** What the store says of former holders. */
  before: Partial<HeldJob> = {},
) => {
  await using store = await openDrivenStore();
  const log = recordingLog();
  const disposed: string[] = [];
  const withdrawn: string[] = [];
  const disposing = (what: 'sandbox' | 'baseRepository') => async () => {
    disposed.push(what);
    if (failing[what]) throw failing[what];
  };
  const sandbox: Sandbox = {
    ...createMemorySandbox(),
    ...{ id: 'box', runtime: 'runsc', kernel: '4.4.0', gvisor: true, warm: false, readyMs: 1 },
    lost: new AbortController().signal,
    openWayOut: () => {},
    files: async () => [{ path: 'new.md', mode: '100644', blobId: 'b'.repeat(40), size: 1 }],
    contents: async () => [Buffer.from('x')],
    blobs: async () => [],
    basePack: async function* () {},
    unpack: nothing,
    restore: nothing,
    ...{ image: 'default', imageId: async () => 'sha256:1' },
    ...{ now: async () => '1.000', takeSetup: async function* () {}, giveSetup: nothing },
    leave: () => {},
    [Symbol.asyncDispose]: disposing('sandbox'),
  };
  const baseRepository: BaseRepository = {
    base,
    files: new Map(),
    blobId: async () => 'b'.repeat(40),
    tree: async () => 'd'.repeat(40),
    commit: async () => 'c'.repeat(40),
    push: nothing,
    [Symbol.asyncDispose]: disposing('baseRepository'),
  };
  const github: GitHub = {
    withLease: () => github,
    resolveBase: async () => {
      if (failing.resolve) throw failing.resolve;
      return base;
    },
    clone: nothing,
    admit: () => {},
    receiveBase: async () => {
      const failure = failing.base;
      delete failing.base;
      if (failure) throw failure;
      return baseRepository;
    },
    createBranch: nothing,
    createPullRequest: async () => ({
      url,
      number: 1,
      title: 'Change it',
      draft: false,
      additions: 1,
      deletions: 0,
    }),
    withdraw: async (_, branch, commit) => {
      withdrawn.push(`${branch} ${commit}`);
      return { branchDeleted: true };
    },
  };
  const ports: Ports = {
    ...{ log, github },
    openEgress: () => ({ guard: (gateway) => gateway, denials: () => ({ total: 0, distinct: [] }) }),
    openSetupEgress: () => ({ guard: (gateway) => gateway, denials: () => ({ total: 0, distinct: [] }) }),
    setupCache: { isOn: false, read: async () => undefined, write: nothing, forget: nothing },
    sandboxes: {
      image: 'image',
      acquire: async () => sandbox,
      reattach: async () => (before.sandbox ? sandbox : undefined),
    },
    model: createScriptedModel([{ content: [text('Change it\n\nIt is changed.')] }]),
    trace: { start: () => createRecordedSpan(), flush: nothing },
    redact: (words) => words,
  };
  await store.create(queuedJob('a'), queuedFact('a'));
  await runJob({ ...(await store.take()), ...before }, ports, settings, signal);
  const events = await store.eventsAfter('a', 0, 100);
  const types = events.map(({ type }) => type);
  const last = events.at(-1);
  const told = log.lines.map(({ level, message }) => `${level}: ${message}`);
  return { last, types, disposed, told, withdrawn };
};

test('what cannot be disposed after the pull request is open is logged, and the job has succeeded', async () => {
  const { last, disposed, told } = await run({
    sandbox: new Error('the engine is gone'),
    baseRepository: new Error('the disk is gone'),
  });
  assert.partialDeepStrictEqual(last, { type: 'Result', status: 'succeeded', prUrl: url });
  assert.deepEqual(disposed, ['baseRepository', 'sandbox']);
  const line = 'error: something of the job could not be disposed';
  assert.deepEqual(
    told.filter((entry) => entry.startsWith('error')),
    [line, line],
  );
});

for (const [what, thrown, level, type] of [
  [
    'what the caller can mend',
    new AppError('branch_not_found', 'No such branch.'),
    'warn: job failed',
    'Error',
  ],
  ['what nobody foresaw', new Error('a defect'), 'error: job failed', 'Error'],
  ['a cancel', new AppError('cancelled', 'The job was cancelled.'), 'info: job cancelled', 'Result'],
] as const) {
  test(`${what} is logged as «${level}»`, async () => {
    const { last, told } = await run({ resolve: thrown });
    assert.equal(last?.type, type);
    assert.deepEqual(told, ['warn: step failed', level, 'info: job ended']);
  });
}

test('a job at one turn of which three servers have died is not tried once more', async () => {
  const { last, disposed } = await run({}, undefined, { deaths: 3, earlierClaims: 3 });
  assert.partialDeepStrictEqual(last, { type: 'Error', code: 'died_repeatedly' });
  assert.deepEqual(disposed, []);
});

test('a sandbox that was kept, and dies before the agent goes on, is replaced', async () => {
  const base = new AppError('sandbox_lost', 'The sandbox stopped.');
  const { last, types } = await run({ base }, undefined, { sandbox: 'box', earlierClaims: 1 });
  assert.partialDeepStrictEqual(last, { type: 'Result', status: 'succeeded' });
  assert.deepEqual(
    types.filter((type) => type.startsWith('Sandbox')),
    ['Sandbox: Kept', 'Sandbox: Lost', 'Sandbox: Starting', 'Sandbox: Ready'],
  );
});

test('what former holders have used and saved is in the end of a job, wherever it ends', async () => {
  const usage = {
    inputTokens: 10,
    outputTokens: 2,
    cacheReadTokens: 3,
    cacheWriteTokens: 4,
    costUsd: 'unknown' as const,
  };
  const reply = { content: [], stopReason: 'end_turn', usage } as const;
  const branch = { type: 'Git: Branch', branch: 'backspace/a', base: 'b', id: 2, at: '' } as const;
  const resolve = new AppError('branch_not_found', 'No such branch.');
  const { last } = await run({ resolve }, undefined, {
    earlier: [
      { kind: 'reply', reply },
      { kind: 'reply', reply },
    ],
    told: [branch],
  });
  assert.partialDeepStrictEqual(last, {
    type: 'Error',
    usage: {
      turns: 2,
      inputTokens: 20,
      outputTokens: 4,
      cacheReadTokens: 6,
      cacheWriteTokens: 8,
      costUsd: 'unknown' as const,
    },
    saved: { branch: 'backspace/a' },
  });
});

test('what a cancelled job has published is taken back, and looked for again where another holder may have been at it', async () => {
  const cancelled = new AppError('cancelled', 'The job was cancelled.');
  const known = (name: string): unknown => ({ base, commit: 'c0ffee' })[name];
  const ofThis = { known: known as HeldJob['known'] };
  const first = await run({ resolve: cancelled }, undefined, ofThis);
  assert.partialDeepStrictEqual(first.last, { type: 'Result', status: 'cancelled', saved: {} });
  const later = await run({ resolve: cancelled }, undefined, { ...ofThis, earlierClaims: 1 });
  const unpublished = await run({ resolve: cancelled }, undefined, { earlierClaims: 1 });
  await sleep(50);
  assert.deepEqual(
    [first.withdrawn, later.withdrawn, unpublished.withdrawn],
    [['backspace/a c0ffee'], ['backspace/a c0ffee', 'backspace/a c0ffee'], []],
  );
});
