import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { postJob } from '../support/job-stream.ts';
import { quick, quickPrompt, startSystem } from '../support/system.ts';

test('a runtime that is not gVisor runs no job, unless it was asked for, and then every job says so', async () => {
  {
    await using system = await startSystem({ scenarios: [quick], settings: { SANDBOX_RUNTIME: 'runc' } });
    const examined = () => /examination has failed/.test(system.server.log());
    for (let turn = 0; turn < 600 && !examined(); turn++) await sleep(50);
    const refused = await postJob(system.server.url, { repoUrl: system.repoUrl, prompt: quickPrompt });
    assert.equal(refused.status, 503);
    assert.partialDeepStrictEqual(await refused.json(), { code: 'sandbox_unavailable' });
  }
  await using system = await startSystem({
    scenarios: [quick],
    settings: { SANDBOX_RUNTIME: 'runc', SANDBOX_WITHOUT_GVISOR: 'true' },
  });
  const job = await system.start(quickPrompt);
  const ready = await job.until('Sandbox: Ready');
  assert.partialDeepStrictEqual(ready, { runtime: 'runc', gvisor: false });
  assert.partialDeepStrictEqual(await job.end(), { type: 'Result', status: 'succeeded' });
});
