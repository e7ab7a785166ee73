import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { SandboxLimits } from '../../server/docker/container-spec.ts';
import type { Sandbox } from '../../server/domain/sandbox.ts';
import { type LeftoverWatch, watchLeftovers } from '../support/leftovers.ts';
import { sample, startRandom } from '../support/sample.ts';
import { openSandboxes, soon, type TestSandboxes } from '../support/sandboxes.ts';
import { explode } from '../support/security/blast.ts';
import {
  type Bomb,
  bombedFilesMax,
  bombedLimits,
  bombs,
  endlessOutput,
  memoryOfOneProcess,
  refusesSparseFile,
  threads,
} from '../support/security/bombs.ts';
import { startToolboxProcess } from '../support/toolbox-process.ts';

const random = startRandom('bombs');

let server: TestSandboxes;
let neighbour: Sandbox;
let watch: LeftoverWatch;
before(async () => {
  server = await openSandboxes({ limits: bombedLimits, filesMax: bombedFilesMax });
  watch = await watchLeftovers(server.docker, server.serverId);
  neighbour = await server.acquire('neighbour', soon());
});
after(() => server?.[Symbol.asyncDispose]());

describe('a bomb harms nobody but itself, and the model is told what came of it:', () => {
  for (const bomb of sample(bombs, 3, random)) test(bomb.name, () => explode(bomb, server, neighbour));
});

test('when the bombs have gone off nothing of them is left on the host', async () => {
  assert.deepEqual(await server.containers(), [neighbour.id]);
  await neighbour[Symbol.asyncDispose]();
  await watch.untilNone();
});

describe('the same bombs show what is weak:', () => {
  /** In a sandbox with weaker limits, which still keep the host safe. */
  const explodeIn = async (limits: Partial<SandboxLimits>, bomb: Bomb) => {
    await using weak = await openSandboxes({ limits: { ...bombedLimits, ...limits } });
    await using beside = await weak.acquire('neighbour', soon());
    await explode(bomb, weak, beside);
  };

  test('memory for more than one process should take', async () => {
    await assert.rejects(explodeIn({ memoryBytes: 2 ** 32 }, memoryOfOneProcess), /survived/);
  });

  test('threads by the hundred', async () => {
    await assert.rejects(explodeIn({ processesMax: 400 }, threads), /\d{3} threads were started/);
  });

  test('output that is collected as a whole', async () => {
    const whole = {
      ...endlessOutput,
      command: 'yes | head -c 250M',
      outputBytesMax: 2 ** 30,
      check: () => {},
    };
    const limits = { memoryBytes: 2 ** 31 };
    await assert.rejects(explodeIn(limits, { ...whole, timeoutMs: 50_000 }), /the server grew by \d{3,} MB/);
  });

  test('a listing that hashes whatever a file claims to hold', async () => {
    await using weak = await startToolboxProcess({ workspaceBytes: Number.MAX_SAFE_INTEGER });
    execFileSync('truncate', ['--size', '8T', path.join(weak.workspace, 'disk.img')]);
    const listing = refusesSparseFile(() => weak.toolbox.files([], AbortSignal.timeout(5000)));
    await assert.rejects(listing, { code: 'ERR_ASSERTION' });
  });
});
