import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { busyJob, busyPrompt } from '../support/scenarios/busy-job.ts';
import { type StartedJob, type System, startSystem } from '../support/system.ts';

const patchOf = async ({ server }: System, { id }: StartedJob): Promise<Buffer> => {
  const response = await fetch(`${server.url}/jobs/${id}/patch`);
  assert.deepEqual(
    [response.status, response.headers.get('content-type'), response.headers.get('backspace-incomplete')],
    [200, 'text/x-diff; charset=utf-8', null],
  );
  return Buffer.from(await response.arrayBuffer());
};

/** A clone at the base with the patch, as whoever downloads it makes one. */
const applied = ({ repository }: System, patch: Buffer) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'patch-'));
  execFileSync('git', ['clone', '--quiet', repository.directory, directory]);
  execFileSync('git', ['apply', '-'], { cwd: directory, input: patch });
  return {
    read: (name: string) => readFileSync(path.join(directory, name), 'utf8'),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
};

test('the work of a job can be had as a patch while it runs, when it was cancelled, and when it has ended', async () => {
  await using system = await startSystem({ scenarios: [busyJob], msPerEvent: 8 });
  const cancelled = await system.start(busyPrompt);
  assert.equal((await patchOf(system, cancelled)).length, 0);
  // The first turn has changed a file, and is stored before the second reply is.
  await cancelled.until('Tool: Bash');
  const running = await patchOf(system, cancelled);
  assert.match(running.toString(), /^-# Books\n\+# Books to read$/m);
  await system.cancel(cancelled);
  await cancelled.end();
  using afterCancel = applied(system, await patchOf(system, cancelled));
  assert.equal(afterCancel.read('README.md'), '# Books to read\n');

  const ended = await system.start(busyPrompt);
  await ended.end();
  using afterEnd = applied(system, await patchOf(system, ended));
  assert.equal(afterEnd.read('NOTES.md'), 'Read more.\n');
  assert.equal(afterEnd.read('lines.txt'), 'line 1\nline 2\nline 3\nline 4\n');
});
