import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import tar from 'tar-stream';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { openSandboxes, shell, soon, type TestSandboxes } from '../../support/sandboxes.ts';

let sandboxes: TestSandboxes;
let sandbox: Sandbox;
before(async () => {
  sandboxes = await openSandboxes();
  sandbox = await sandboxes.acquire('job-of-transfers', soon());
});
after(() => sandboxes?.[Symbol.asyncDispose]());

const blobId = (bytes: Uint8Array) =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

test('100 MB go in and come out again unchanged', async (context) => {
  const large = randomBytes(60 << 20);
  const contents = new Map<string, Buffer>([['large.bin', large]]);
  for (let index = 0; index < 1000; index++) {
    contents.set(
      `many/${index % 10}/file-${index}.bin`,
      large.subarray(index * 40_000, (index + 1) * 40_000),
    );
  }
  const pack = tar.pack();
  const packed = (async () => {
    for (const [name, bytes] of contents) {
      await new Promise<void>((resolve, reject) =>
        pack.entry({ name, mode: name === 'large.bin' ? 0o755 : 0o644 }, bytes, (error) =>
          error ? reject(error) : resolve(),
        ),
      );
    }
    pack.entry({ name: 'link', type: 'symlink', linkname: 'large.bin' });
    pack.finalize();
  })();
  const started = performance.now();
  await Promise.all([sandbox.unpack(pack as AsyncIterable<Uint8Array>, soon()), packed]);
  const unpacked = performance.now();
  const files = await sandbox.files([], soon());
  const listed = performance.now();
  const fetched = await sandbox.contents(files, soon());
  const done = performance.now();

  contents.set('link', Buffer.from('large.bin'));
  const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1);
  const modes: Record<string, string> = { 'large.bin': '100755', link: '120000' };
  assert.deepEqual(
    files.toSorted(byPath),
    [...contents]
      .map(([path, bytes]) => ({
        path,
        mode: modes[path] ?? '100644',
        blobId: blobId(bytes),
        size: bytes.length,
      }))
      .toSorted(byPath),
  );
  assert.ok(files.every(({ path }, index) => contents.get(path)?.equals(fetched[index] ?? Buffer.of())));
  const seconds = (from: number, to: number) => `${((to - from) / 1000).toFixed(1)} s`;
  context.diagnostic(
    `in ${seconds(started, unpacked)}, list ${seconds(unpacked, listed)}, out ${seconds(listed, done)}`,
  );
  await shell(sandbox, 'rm -rf ./* && ls -A');
});

test('an archive that does not fit, is broken or leads out is an error, and the sandbox lives on', async () => {
  const archive = (name: string, size: number) => {
    const pack = tar.pack();
    pack.entry({ name }, Buffer.alloc(size), () => {});
    pack.finalize();
    return pack as AsyncIterable<Uint8Array>;
  };
  const broken = (async function* () {
    yield randomBytes(100_000);
  })();
  await assert.rejects(sandbox.unpack(archive('/usr/x/../../../opt/y', 10), soon()), /tar ended with/);
  await assert.rejects(sandbox.unpack(broken, soon()), /tar ended with 2/);
  await shell(sandbox, 'head -c 395M /dev/zero >filler');
  await assert.rejects(
    sandbox.unpack(archive('too-large.bin', 20 << 20), soon()),
    /too-large.bin: (Wrote only|Cannot write: No space)/,
  );
  assert.equal(await shell(sandbox, 'rm -f too-large.bin filler; ls -A; echo alive'), 'alive');
});

test('a base pack that its reader gives up ends the programs that make it', async () => {
  await shell(
    sandbox,
    `git init --quiet . && for d in $(seq 20); do mkdir d$d; echo $d >d$d/f; done &&
     git add . && git commit --quiet -m base`,
  );
  const commit = await shell(sandbox, 'git rev-parse HEAD');
  for await (const chunk of sandbox.basePack(commit, soon())) {
    assert.equal(Buffer.from(chunk).toString('latin1', 0, 4), 'PACK');
    break;
  }
  assert.equal(await shell(sandbox, 'sleep 0.5; pgrep -c git || true'), '0');
});

test('an archive with padding behind its end is taken like any other', async () => {
  const archive = execFileSync('tar', ['--create', '--blocking-factor=2000', '-C', import.meta.dirname, '.']);
  for (let time = 0; time < 10; time++) {
    const pieces = Array.from({ length: archive.length / 51_200 }, (_, index) =>
      archive.subarray(index * 51_200, (index + 1) * 51_200),
    );
    await sandbox.unpack(Readable.from(pieces), soon());
  }
});
