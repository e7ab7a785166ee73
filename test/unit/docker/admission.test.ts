import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { startAdmission } from '../../../server/docker/doctor/admission.ts';
import type { Finding } from '../../../server/docker/doctor/finding.ts';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { recordingLog } from '../../support/jobs.ts';

const good: Finding = { name: 'kernel', ok: true, detail: 'gVisor answers' };
const bad: Finding = { name: 'network', ok: false, detail: 'a route to the outside: there', mend: 'mend it' };
const refusal = {
  code: 'sandbox_unavailable',
  message: /network \(a route to the outside: there\)/,
  whatToDo: /npm run doctor/,
};
const never = new AbortController().signal;

/** Examinations that end when the test says so, and a source of sandboxes that counts them. */
const setUp = () => {
  const examinations: PromiseWithResolvers<Finding[]>[] = [];
  const disposed: string[] = [];
  let acquired = 0;
  const admission = startAdmission({
    examine: (signal) => {
      const examination = Promise.withResolvers<Finding[]>();
      signal.addEventListener('abort', () => examination.resolve([]));
      examinations.push(examination);
      return examination.promise;
    },
    ...{ examineMs: 60_000, againMs: 1, log: recordingLog() },
  });
  const sandboxes = admission.guard({
    image: 'image',
    reattach: async () => undefined,
    acquire: async () => {
      const id = `box-${++acquired}`;
      return { id, [Symbol.asyncDispose]: async () => void disposed.push(id) } as unknown as Sandbox;
    },
  });
  const end = async (...findings: Finding[]) => {
    while (examinations.length === 0) await setImmediate();
    examinations.shift()?.resolve(findings);
    for (let turn = 0; turn < 5; turn++) await setImmediate();
  };
  return { admission, sandboxes, end, disposed, count: () => acquired };
};

test('no job gets its sandbox before the host has been examined', async () => {
  const { admission, sandboxes, end } = setUp();
  await using _ = admission;
  let given: string | undefined;
  const acquiring = sandboxes.acquire('job', never).then(({ id }) => {
    given = id;
  });
  for (let turn = 0; turn < 5; turn++) await setImmediate();
  assert.equal(given, undefined);
  assert.deepEqual(admission.check(), { name: 'examination', ok: false, detail: 'not yet examined' });
  admission.refuseWhenFailed();
  await end(good);
  await acquiring;
  assert.equal(given, 'box-1');
  assert.deepEqual(admission.check(), { name: 'examination', ok: true, detail: 'passed' });
});

test('a host that fails takes no job, gives back what was started, and passes once it is mended', async () => {
  const { admission, sandboxes, end, disposed, count } = setUp();
  await using _ = admission;
  const acquiring = sandboxes.acquire('job', never);
  acquiring.catch(() => {});
  await end(good, bad);
  await assert.rejects(acquiring, refusal);
  assert.deepEqual(disposed, ['box-1']);
  assert.deepEqual(admission.check(), { name: 'examination', ok: false, detail: 'network' });
  assert.throws(() => admission.refuseWhenFailed(), refusal);
  await assert.rejects(sandboxes.acquire('job', never), refusal);
  assert.equal(count(), 1);

  let isAdmitted = false;
  const admitted = admission.untilAdmitted(never).then(() => {
    isAdmitted = true;
  });
  await setImmediate();
  assert.equal(isAdmitted, false);
  await end(good);
  await admitted;
  admission.refuseWhenFailed();
  assert.equal((await sandboxes.acquire('job', never)).id, 'box-2');
});

test('whoever is cancelled while the host is examined leaves no sandbox', async () => {
  const { admission, sandboxes, disposed } = setUp();
  await using _ = admission;
  const cancel = new AbortController();
  const acquiring = sandboxes.acquire('job', cancel.signal);
  await setImmediate();
  cancel.abort(new Error('The job was cancelled.'));
  await assert.rejects(acquiring, { message: 'The job was cancelled.' });
  assert.deepEqual(disposed, ['box-1']);
});
