import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { requireDocker, sandboxImage } from '../support/docker.ts';

const root = path.resolve(import.meta.dirname, '../..');
const docker = await requireDocker();

/** What the script says; rejects when it fails. */
const run = async (script: string): Promise<string[]> => {
  const { stdout, stderr } = await promisify(execFile)('bash', [path.join(root, 'sandbox-image', script)], {
    timeout: 60_000,
  });
  assert.equal(stderr, '');
  return stdout.trimEnd().split('\n');
};

/** What a set-up could change on a machine that is ready. */
const state = async () => ({
  daemonJson: await readFile('/etc/docker/daemon.json', 'utf8'),
  image: (await docker.getImage(sandboxImage).inspect()).Id,
});

for (const [script, line] of [
  ['setup-host.sh', /^[\w-]+: nothing to do: /],
  ['setup.sh', /^[\w-]+: (nothing to do: |[\w, ]+: ready \()/],
] as const) {
  test(`on a machine that is ready ${script} changes nothing, however often it runs`, async () => {
    const before = await state();
    for (let time = 0; time < 2; time += 1) {
      const said = await run(script);
      assert.deepEqual(
        said.filter((text) => !line.test(text)),
        [],
      );
      assert.ok(said.length > 0);
    }
    assert.deepEqual(await state(), before);
  });
}
