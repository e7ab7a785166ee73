import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { sandboxImage } from '../support/docker.ts';
import { script, startJobBench } from '../support/job-bench.ts';
import { postJob } from '../support/job-stream.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');

/** The Dockerfile that CONTRIBUTING shows, with a program of ours in the place of packages from a network. */
const derivedDockerfile = async (): Promise<string> => {
  const text = await readFile(path.join(root, 'CONTRIBUTING.md'), 'utf8');
  const [, shown = assert.fail('CONTRIBUTING shows no Dockerfile')] =
    /```dockerfile\n(.*?)```/s.exec(text) ?? [];
  const derived = shown
    .replace('FROM tiny-backspace/sandbox:latest', `FROM ${sandboxImage}`)
    .replace(/^RUN (?:.*\\\n)*.*\n/m, 'COPY --chmod=755 toy /usr/local/bin/toy\n');
  assert.match(derived, /^FROM \S+\nUSER root\nCOPY .*\nUSER 10001:10001\n$/);
  // Without BuildKit, COPY knows no mode.
  return derived.replace(' --chmod=755', '');
};

const tag = `tiny-backspace/sandbox-toy:${randomBytes(4).toString('hex')}`;
const context = await mkdtemp(path.join(os.tmpdir(), 'sandbox-toy-'));
await writeFile(path.join(context, 'Dockerfile'), await derivedDockerfile());
await writeFile(path.join(context, 'toy'), '#!/bin/sh\necho toy chain 1.2\n', { mode: 0o755 });
await run('docker', ['build', '--quiet', '--tag', tag, context]);
after(async () => {
  await run('docker', ['rmi', tag]);
  await rm(context, { recursive: true, force: true });
});

const bench = await startJobBench(() => ({
  SANDBOX_IMAGES: `toy=${tag} (Toy 1.2); gone=tiny-backspace/not-there:1 (nothing)`,
  SANDBOX_POOL_SIZE: '1',
}));
after(() => bench[Symbol.asyncDispose]());
const { forge, server } = bench;

test('a job that names an image runs in it, and others in the default one', async () => {
  const repository = await forge.createRepository('acme/toys', { files: { 'README.md': '# Toys\n' } });
  const inToy = await bench.run({
    repository,
    request: { image: 'toy' },
    turns: script('toy >seen.txt && id -u >>seen.txt && [ ! -w /usr/local/bin ]'),
  });
  assert.partialDeepStrictEqual(inToy.last, { type: 'Result', status: 'succeeded' });
  const branch = `backspace/${inToy.jobId}`;
  assert.equal(await repository.git('show', `${branch}:seen.txt`), 'toy chain 1.2\n10001');
  const inDefault = await bench.run({ repository, turns: script('! command -v toy && echo no >seen.txt') });
  assert.partialDeepStrictEqual(inDefault.last, { type: 'Result', status: 'succeeded' });
  const images = [inToy, inDefault].map(({ events }) =>
    events.flatMap((event) => (event.type === 'Sandbox: Starting' ? [event.image] : [])),
  );
  assert.deepEqual(images, [['toy'], ['default']]);
});

test('an image that is not offered is refused by name, and one that the engine lacks is told by readyz', async () => {
  const repoUrl = `${forge.url}/acme/toys`;
  const response = await postJob(server.url, { repoUrl, prompt: 'Play', image: 'go' }, {});
  assert.equal(response.status, 422);
  const { detail } = (await response.json()) as { detail: string };
  assert.match(
    detail,
    /^image must be one of the server’s images: default.*, toy \(Toy 1\.2\), gone \(nothing\)$/,
  );

  const ready = await fetch(`${server.url}/readyz`);
  const { checks } = (await ready.json()) as { checks: { name: string; ok: boolean; detail: string }[] };
  const ofImages = checks.filter(({ name }) => name.startsWith('image '));
  assert.deepEqual(
    ofImages.map(({ name, ok }) => [name, ok]),
    [
      ['image toy', true],
      ['image gone', false],
    ],
  );
});
