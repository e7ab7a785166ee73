import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createOpenEgress } from '../../../server/docker/egress/open-egress.ts';
import { chooseSetupPolicy } from '../../../server/docker/egress/policy.ts';
import type { GitHub } from '../../../server/domain/github.ts';
import type { JobFact } from '../../../server/domain/job-event.ts';
import type { Sandbox, WayOut } from '../../../server/domain/sandbox.ts';
import type { Walk } from '../../../server/jobs/ports.ts';
import { startProgress } from '../../../server/jobs/progress.ts';
import { createSetUp } from '../../../server/jobs/setup/create-set-up.ts';
import { base } from '../../support/base.ts';
import { limits, publicAddress } from '../../support/egress-bench.ts';
import { startUpstream, takeAll, until } from '../../support/egress-upstream.ts';
import { recordingLog } from '../../support/jobs.ts';
import { openSandboxes, shell, soon, type TestSandboxes } from '../../support/sandboxes.ts';

let sandboxes: TestSandboxes;
before(async () => {
  sandboxes = await openSandboxes();
});
after(() => sandboxes?.[Symbol.asyncDispose]());

const settings = { allow: ['registry.example'], allowPrivate: false, publicIsForAll: true };

const answering = (text: string): WayOut => {
  const body = async function* () {
    yield Buffer.from(text);
  };
  return async () => ({ status: 200, headers: {}, body: body() });
};

/** A setup whose hosts are all at one place on this machine. */
const createBench = (
  commands: readonly string[],
  dial: Awaited<ReturnType<typeof startUpstream>>['dial'],
) => {
  const told: JobFact[] = [];
  // Longer than the test waits for the end of a connection.
  const network = { limits: { ...limits, idleMs: 60_000 }, resolve: async () => [publicAddress], dial };
  const github: Pick<GitHub, 'admit'> = {
    admit: (sandbox) => sandbox.openWayOut(answering('the repository')),
  };
  const way: Partial<Walk> = {
    github: github as GitHub,
    emit: async (fact) => void told.push(fact),
    log: recordingLog(),
    progress: startProgress(),
    openSetupEgress: createOpenEgress(settings, network, chooseSetupPolicy),
    setupCache: {
      ...{ isOn: false, read: async () => undefined },
      ...{ write: async () => {}, forget: async () => {} },
    },
  };
  const egress = { guard: (gateway: WayOut) => gateway, denials: () => ({ total: 0, distinct: [] }) };
  const baseRepository = { base, files: new Map() };
  const setUp = createSetUp({ commands, baseRepository, egress }, way as Walk, {
    ms: 20_000,
    forge: 'https://github.com',
  });
  return { setUp, told };
};

const askRepository = (sandbox: Sandbox) => shell(sandbox, 'curl -s http://127.0.0.1:3128/x; echo');

test('a connection that a setup has opened ends with it, also that of a process which hides from its end', async () => {
  await using upstream = await startUpstream(takeAll);
  await using sandbox = await sandboxes.acquire('job-of-the-setup', soon());
  // The second one has left its family, and marks itself as another command's.
  const connect = 'curl --silent --max-time 60 https://registry.example/ >/dev/null 2>&1';
  const command = `(setsid ${connect} &); (BACKSPACE_CALL=000000000000 setsid ${connect} &)
    for i in $(seq 50); do [ "$(pgrep -c curl)" = 2 ] && break; sleep 0.1; done; sleep 3; echo on`;
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, upstream.open());
  }, 20).unref();
  const { setUp, told } = createBench([command], upstream.dial);
  assert.deepEqual(await setUp(sandbox, 'agent', soon()), { ok: true, made: [] });
  clearInterval(watch);
  assert.equal(most, 2);
  await until(() => upstream.open() === 0, 'the end of all connections');
  assert.equal(await askRepository(sandbox), 'the repository');
  const [, finished] = told;
  assert.partialDeepStrictEqual(finished, { type: 'Setup: Finished', exitCode: 0, output: 'on' });
});

test('a sandbox of checks is closed after its setup, with commands or without, and when they fail', async () => {
  await using upstream = await startUpstream(takeAll);
  await using sandbox = await sandboxes.acquire('job-of-the-setup', soon());
  for (const [commands, outcome] of [
    [[], { ok: true }],
    [['true'], { ok: true }],
    [['exit 4'], { ok: false, reason: 'The setup command «exit 4» ended with exit code 4.' }],
  ] as const) {
    sandbox.openWayOut(answering('the repository'));
    const { setUp } = createBench(commands, upstream.dial);
    assert.deepEqual(await setUp(sandbox, 'before', soon()), outcome);
    assert.equal(await askRepository(sandbox), 'Nothing may leave this sandbox now.');
  }
});

test('a setup that takes too long is stopped, with all that it has started', async () => {
  await using upstream = await startUpstream(takeAll);
  await using sandbox = await sandboxes.acquire('job-of-the-setup', soon());
  const way = createBench(['echo first', '(setsid sleep 7005 &) ; sleep 7006', 'echo third'], upstream.dial);
  const { told } = way;
  const outcome = await way.setUp(sandbox, 'after', soon());
  assert.deepEqual(outcome, {
    ok: false,
    reason: 'The setup did not end within 20 s: «(setsid sleep 7005 &) ; sleep 7006» was stopped.',
  });
  assert.deepEqual(
    told.map((fact) => (fact.type === 'Setup: Finished' ? fact.exitCode : fact.type)),
    ['Setup: Started', 0, 'Setup: Started', null],
  );
  assert.equal(await shell(sandbox, 'sleep 0.2; pgrep -a sleep | grep 700 || echo none'), 'none');
});
