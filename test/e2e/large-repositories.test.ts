import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Files } from '../support/forge/repository-files.ts';
import { script, startJobBench } from '../support/job-bench.ts';
import { assertNothingPublished, publicationOf } from '../support/publication.ts';

const megabyte = 1 << 20;

/** Files that no compression makes smaller. */
const incompressible = (count: number, bytesEach: number): Files =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`blobs/${index}.bin`, randomBytes(bytesEach)]),
  );

test('a repository of 100 MB passes through a server whose memory hardly grows', async (t) => {
  await using bench = await startJobBench();
  const { forge, server } = bench;
  const small = await forge.createRepository('acme/small', { files: { 'README.md': 'Small\n' } });
  const large = await forge.createRepository('acme/large', { empty: true });
  // No time for a compression that is in vain: the blobs are stored and sent as they are.
  await large.git('config', 'core.compression', '0');
  await large.git('config', 'core.bigFileThreshold', '1m');
  await large.git('config', 'fastimport.unpackLimit', '1');
  await large.commit({ 'README.md': 'Large\n', ...incompressible(25, 4 * megabyte) });
  // A first job has everything loaded that any job needs.
  await publicationOf(
    forge,
    small,
    await bench.run({ repository: small, turns: script('echo more >>README.md') }),
  );
  const idle = await memoryOf(server.process.pid);

  const outcome = await bench.run({
    repository: large,
    turns: script('echo more >>README.md && rm blobs/7.bin && echo new >blobs/8.bin'),
  });
  const { changes } = await publicationOf(forge, large, outcome);
  assert.deepEqual(changes, {
    'README.md': 'M 100644',
    'blobs/7.bin': 'D 100644',
    'blobs/8.bin': 'M 100644',
  });
  const cloned = outcome.events.find((event) => event.type === 'Git: Clone' && event.phase === 'done');
  assert(cloned?.type === 'Git: Clone' && (cloned.bytes ?? 0) > 100 * megabyte);
  const { peakBytes } = await memoryOf(server.process.pid);
  const grownMegabytes = Math.round((peakBytes - idle.bytes) / megabyte);
  t.diagnostic(
    `idle ${Math.round(idle.bytes / megabyte)} MB, at most ${grownMegabytes} MB more; clone ${cloned.ms} ms`,
  );
  assert(grownMegabytes < 150, `the server grew by ${grownMegabytes} MB`);
});

test('what is larger than allowed is refused with what to do about it', async (t) => {
  await using bench = await startJobBench(() => ({
    CLONE_MB_MAX: '2',
    CHANGESET_FILES_MAX: '5',
    CHANGESET_MB_MAX: '1',
  }));
  const { forge } = bench;
  const refused = [
    {
      what: 'more changed files than CHANGESET_FILES_MAX',
      files: { 'README.md': 'Read me\n', old: 'old\n' },
      command: 'rm old && for i in 1 2 3 4 5; do echo $i >$i; done',
      code: 'changeset_refused',
      message: /^6 files changed, more than the 5 allowed\.$/,
      whatToDo: /CHANGESET_FILES_MAX/,
    },
    {
      what: 'more changed bytes than CHANGESET_MB_MAX',
      files: { 'README.md': 'Read me\n' },
      command: 'head --bytes=1048577 /dev/zero >zeros',
      code: 'changeset_refused',
      message: /1048577 bytes, more than the 1048576 allowed/,
      whatToDo: /CHANGESET_MB_MAX/,
    },
    {
      what: 'a repository that needs more than CLONE_MB_MAX',
      files: incompressible(3, megabyte),
      command: 'true',
      code: 'repository_too_large',
      message: /more than 2097152 bytes/,
      whatToDo: /CLONE_MB_MAX/,
    },
  ];
  for (const [index, { what, files, command, code, message, whatToDo }] of refused.entries()) {
    await t.test(what, async () => {
      const repository = await forge.createRepository(`acme/limit-${index}`, { files });
      const { last } = await bench.run({ repository, turns: script(command) });
      assert(last.type === 'Error', JSON.stringify(last));
      assert.deepEqual({ code: last.code, saved: last.saved }, { code, saved: {} });
      assert.match(last.message, message);
      assert.match(last.whatToDo, whatToDo);
      await assertNothingPublished(forge, repository);
    });
  }
  await t.test('exactly what is allowed passes', async () => {
    const repository = await forge.createRepository('acme/limit-fits', {
      files: { 'README.md': 'Read me\n' },
    });
    const command = 'for i in 1 2 3 4; do echo $i >$i; done; head --bytes=1048568 /dev/zero >zeros';
    const outcome = await bench.run({ repository, turns: script(command) });
    const { changes } = await publicationOf(forge, repository, outcome);
    assert.equal(Object.keys(changes).length, 5);
  });
});

/** Resident memory of a process now, and the most that it ever had. */
const memoryOf = async (pid: number | undefined): Promise<{ bytes: number; peakBytes: number }> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  return { bytes: kilobytes('VmRSS') * 1024, peakBytes: kilobytes('VmHWM') * 1024 };
};
