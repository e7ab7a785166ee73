import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Checkpoint } from '../../../server/domain/checkpoint.ts';
import { AppError } from '../../../server/domain/errors.ts';
import type { HeldJob, JobRequest } from '../../../server/domain/job.ts';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import type { SetUp } from '../../../server/domain/setup.ts';
import { keepSandbox } from '../../../server/jobs/keep-sandbox.ts';
import type { Walk } from '../../../server/jobs/ports.ts';
import { base } from '../../support/base.ts';
import { queuedJob, recordingLog } from '../../support/jobs.ts';

const checkpoint: Checkpoint = { files: [], deleted: ['old.md'], base: [] };

type Before = {
  request?: Partial<JobRequest>;
  /** The sandbox that a former holder has left, and its image. */
  left?: { id: string; image: string };
  milestones?: Record<string, unknown>;
  checkpoint?: Checkpoint;
  /** Whether the agent had begun. */
  hadBegun?: boolean;
};

/** A keeper between ports without a wire; `done` tells in order what happened to which sandbox. */
const open = async (before: Before = {}) => {
  const done: string[] = [];
  const milestones = new Map(Object.entries(before.milestones ?? {}));
  const losses = new Map<string, AbortController>();
  let started = 0;

  const sandboxOf = (id: string, image: string): Sandbox => {
    const lost = new AbortController();
    losses.set(id, lost);
    const sandbox: Partial<Sandbox> = {
      ...{ id, image, lost: lost.signal, readyMs: 1 },
      openWayOut: () => {},
      restore: async () => void done.push(`${id} restored`),
      leave: () => {},
      [Symbol.asyncDispose]: async () => void done.push(`${id} gone`),
    };
    return sandbox as Sandbox;
  };

  const held: Partial<HeldJob> = {
    job: { ...queuedJob('a'), request: { ...queuedJob('a').request, ...before.request } },
    told: [],
    earlier: before.hadBegun ? ([{}] as HeldJob['earlier'][number][]) : [],
    sandbox: before.left?.id,
    checkpoints: { load: async () => before.checkpoint, save: async () => {} },
    known: <T>(name: string) => milestones.get(name) as T | undefined,
    once: async <T>(name: string, action: () => Promise<T>) => {
      if (!milestones.has(name)) milestones.set(name, await action());
      return milestones.get(name) as T;
    },
    ownSandbox: async () => {},
    keepSandbox: async (id) => void done.push(`${id} kept`),
  };
  const way: Partial<Walk> = {
    emit: async () => {},
    step: (_, action) => action({} as Parameters<typeof action>[0]),
    log: recordingLog(),
    github: {
      clone: async ({ id }: Sandbox) => void done.push(`${id} cloned`),
      admit: () => {},
    } as unknown as Walk['github'],
    sandboxes: {
      image: 'image',
      acquire: async (_job, _signal, image = 'default') => {
        started += 1;
        done.push(`${image}-${started} started`);
        return sandboxOf(`${image}-${started}`, image);
      },
      reattach: async () => before.left && sandboxOf(before.left.id, before.left.image),
    },
  };
  const egress = { guard: (gateway: unknown) => gateway } as Parameters<typeof keepSandbox>[0]['egress'];
  const settings = { lossesMax: 3, checkpoint: { filesMax: 10, bytesMax: 1000 } };
  const keeper = await keepSandbox(
    { held: held as HeldJob, base, egress },
    way as Walk,
    settings,
    new AbortController().signal,
  );
  const setUp: SetUp = async ({ id }) => {
    done.push(`${id} set up`);
    return { ok: true };
  };
  const lose = (id: string): AppError => {
    const loss = new AppError('sandbox_lost', 'It is gone.');
    losses.get(id)?.abort(loss);
    return loss;
  };
  return { keeper, done, setUp, lose };
};

test('a new job’s sandbox is set up once the base is known, and without a setup only kept', async () => {
  const { keeper, done, setUp } = await open();
  assert.deepEqual(await keeper.prepare(setUp), { ok: true });
  assert.deepEqual(done, ['default-1 started', 'default-1 cloned', 'default-1 kept', 'default-1 set up']);

  const without = await open();
  assert.deepEqual(await without.keeper.prepare(undefined), { ok: true });
  assert.deepEqual(without.done, ['default-1 started', 'default-1 cloned', 'default-1 kept']);
});

test('a job that is taken up without its sandbox gets one that is set up before its checkpoint comes in', async () => {
  const { keeper, done, setUp } = await open({ checkpoint, hadBegun: true });
  assert.deepEqual(done, ['default-1 started', 'default-1 cloned']);
  await keeper.prepare(setUp);
  assert.deepEqual(done.slice(2), ['default-1 set up', 'default-1 restored', 'default-1 kept']);
});

test('without a setup the checkpoint of a job that is taken up comes in, too', async () => {
  const { keeper, done } = await open({ checkpoint, hadBegun: true });
  await keeper.prepare(undefined);
  assert.deepEqual(done.slice(2), ['default-1 restored', 'default-1 kept']);
});

test('a sandbox that is kept is not set up twice', async () => {
  const left = { id: 'left', image: 'default' };
  const { keeper, done, setUp } = await open({
    left,
    hadBegun: true,
    milestones: { 'setup left': { ok: true } },
  });
  assert.deepEqual(await keeper.prepare(setUp), { ok: true });
  assert.deepEqual(done, []);
});

test('a setup that a server has left half done is begun anew, in another sandbox', async () => {
  const { keeper, done, setUp } = await open({ left: { id: 'left', image: 'default' } });
  await keeper.prepare(setUp);
  assert.deepEqual(done, [
    ...['left gone', 'default-1 started', 'default-1 cloned', 'default-1 set up', 'default-1 kept'],
  ]);
});

test('what the agent has made in a sandbox is never cleaned away', async () => {
  const { keeper, done, setUp } = await open({ left: { id: 'left', image: 'default' }, hadBegun: true });
  await keeper.prepare(setUp);
  assert.deepEqual(done, []);
});

test('what a failed setup came to is known of a sandbox that is kept', async () => {
  const outcome = { ok: false, reason: 'It failed.' };
  const left = { id: 'left', image: 'default' };
  const { keeper, setUp } = await open({ left, hadBegun: true, milestones: { 'setup left': outcome } });
  assert.deepEqual(await keeper.prepare(setUp), outcome);
});

test('a sandbox that is lost while it is set up is replaced, and the next one is set up once', async () => {
  const { keeper, done, setUp, lose } = await open({ checkpoint });
  let isFirst = true;
  await keeper.prepare(async (sandbox, use, signal) => {
    const outcome = await setUp(sandbox, use, signal);
    if (isFirst) {
      isFirst = false;
      throw lose(sandbox.id);
    }
    return outcome;
  });
  assert.deepEqual(done.slice(2), [
    ...['default-1 set up', 'default-1 gone', 'default-2 started', 'default-2 cloned'],
    ...['default-2 set up', 'default-2 restored', 'default-2 kept'],
  ]);
});

test('an image that the request names is used from the start', async () => {
  const { keeper, done } = await open({ request: { image: 'go' } });
  await keeper.useImage('go');
  assert.deepEqual(done, ['go-1 started', 'go-1 cloned', 'go-1 kept']);
});

test('an image that the base names takes the place of the first one, also when another server goes on', async () => {
  const { keeper, done, setUp } = await open();
  await keeper.useImage('go');
  await keeper.prepare(setUp);
  assert.deepEqual(done.slice(3), [
    ...['default-1 gone', 'go-2 started', 'go-2 cloned', 'go-2 kept', 'go-2 set up'],
  ]);

  const later = await open({ milestones: { image: 'go' } });
  await later.keeper.useImage('go');
  assert.deepEqual(later.done, ['go-1 started', 'go-1 cloned', 'go-1 kept']);

  const died = await open({ left: { id: 'left', image: 'default' }, milestones: { image: 'go' } });
  await died.keeper.useImage('go');
  assert.deepEqual(died.done, ['left gone', 'go-1 started', 'go-1 cloned', 'go-1 kept']);
});

test('work that was said to be done is not taken from a sandbox that lacks some of it', async () => {
  const incomplete = { ...checkpoint, incomplete: 'it was too much' };
  const after = await open({ checkpoint: incomplete, hadBegun: true });
  await after.keeper.prepare(undefined);
  await assert.rejects(
    after.keeper.withWork(async () => 'work'),
    /A part of what the agent had done was lost/,
  );

  const left = { id: 'kept', image: 'default' };
  const kept = await open({ left, checkpoint: incomplete, hadBegun: true });
  await kept.keeper.prepare(undefined);
  assert.equal(await kept.keeper.withWork(async ({ id }) => id), 'kept');
  const losing = kept.keeper.withWork(async ({ id }) => {
    if (id === 'kept') throw kept.lose(id);
    return id;
  });
  await assert.rejects(losing, /It is gone|A part of what the agent had done was lost/);
});

test('an image that is known by another name does not cost a job the sandbox in which its agent is at work', async () => {
  const { keeper, done } = await open({ left: { id: 'kept', image: 'alias' }, hadBegun: true });
  await keeper.useImage('go');
  await keeper.prepare(undefined);
  assert.deepEqual(done, []);
});
