import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sandbox, WayOut } from '../../../../server/domain/sandbox.ts';
import { createSetUp } from '../../../../server/jobs/setup/create-set-up.ts';

type Input = Parameters<typeof createSetUp>;

test('a sandbox for checks is sealed also where there is no setup', async () => {
  const opened: WayOut[] = [];
  const sandbox = { openWayOut: (wayOut: WayOut) => opened.push(wayOut) } as unknown as Sandbox;
  const input = { commands: [], baseRepository: {}, egress: {} } as unknown as Input[0];
  const setUp = createSetUp(input, {} as Input[1], {} as Input[2]);
  assert.deepEqual(await setUp(sandbox, 'before', new AbortController().signal), { ok: true });
  const request = {
    method: 'CONNECT',
    path: 'github.com:443',
    headers: {},
    signal: AbortSignal.timeout(1000),
  };
  const answer = await opened[0]?.({ ...request, body: (async function* () {})() });
  assert.deepEqual([opened.length, answer?.status], [1, 403]);
});
