import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Sandbox, WayOut } from '../../server/domain/sandbox.ts';
import { shell } from '../support/sandboxes.ts';
import {
  installProbes,
  judge,
  type Outcome,
  startBeside,
  tryProbes,
  type Variant,
} from '../support/security/hardening.ts';
import { type HardeningScene, openHardeningScene } from '../support/security/hardening-scene.ts';
import { openWeakGVisor, openWeakRunc } from '../support/security/weak-sandboxes.ts';

/**
 * What a program can do inside a sandbox, tried by programs inside a sandbox: see test/support/security/hardening/.
 * Each probe must also be seen broken in a weak variant, or it would prove nothing.
 */

let scene: HardeningScene;
let sandbox: Sandbox;
let neighbour: Sandbox;
before(async () => {
  scene = await openHardeningScene();
  [sandbox, neighbour] = await Promise.all([scene.acquire('hardening'), scene.acquire('neighbour')]);
  await Promise.all([installProbes(sandbox, scene.facts), installProbes(neighbour, scene.facts)]);
});
after(() => scene?.[Symbol.asyncDispose]());

const namesOf = (outcomes: readonly Outcome[]) => outcomes.map(({ name }) => name);

let tried: Outcome[] = [];

test('a sandbox withstands every probe, beside a neighbour that must not be found', async (t) => {
  const { mark, neighbour: at } = scene.facts;
  await startBeside(neighbour, 'play_neighbour.py', mark, at.port, at.abstract, at.key);
  tried = await tryProbes(sandbox, 'sandbox');
  assert.ok(tried.length >= 190, `only ${tried.length} probes`);
  assert.equal(new Set(namesOf(tried)).size, tried.length);
  for (const outcome of tried) {
    await t.test(`${outcome.area}: ${outcome.name}`, () =>
      assert.equal(judge(outcome), 'held', JSON.stringify(outcome.seen)),
    );
  }
});

test('what enters the way out of a sandbox comes out at its own job', async () => {
  const asked: string[] = [];
  const recordAs =
    (job: string): WayOut =>
    async ({ path }) => {
      asked.push(`${job} ${path}`);
      return { status: 204, headers: {}, body: (async function* () {})() };
    };
  sandbox.openWayOut(recordAs('ours'));
  neighbour.openWayOut(recordAs('the neighbour’s'));
  const ask = (path: string) =>
    `for host in 127.0.0.1 127.0.0.2 [::1]; do curl -s --noproxy '*' http://$host:3128/${path} && break; done`;
  await shell(sandbox, ask('from-us'));
  await shell(neighbour, ask('from-the-neighbour'));
  assert.deepEqual(asked, ['ours /from-us', 'the neighbour’s /from-the-neighbour']);
});

describe('the probes are alive:', () => {
  const caught = new Set<string>();

  const catches = async (weak: Sandbox, variant: Variant, least: number, before?: string) => {
    const outcomes = await tryProbes(weak, variant, before);
    assert.ok(outcomes.length >= least, `only ${outcomes.length} probes`);
    assert.deepEqual(
      outcomes.filter((outcome) => judge(outcome) !== 'broken'),
      [],
    );
    for (const name of namesOf(outcomes)) caught.add(name);
  };
  const leakDescriptor = 'exec 9</etc;';

  test('root in gVisor from whom nothing is withheld is caught by 80', async () => {
    await using weak = await openWeakGVisor(scene.docker, scene.options, scene.facts);
    await installProbes(weak, scene.facts);
    await startBeside(weak, 'weaken.py', 'sk-ant-canary');
    await catches(weak, 'gvisor', 80, leakDescriptor);
  });

  test('the host’s kernel, shared with a neighbour, is caught by 90 as root and by 5 as a user', async () => {
    // Who is in one network with the neighbour has its loopback; a whole host would be as near.
    const facts = { ...scene.facts, host: scene.facts.neighbour };
    await using weak = await openWeakRunc(scene.docker, scene.options, facts);
    await installProbes(weak, facts);
    await catches(weak, 'runc-root', 90, leakDescriptor);
    await catches(weak, 'runc-user', 5, 'setpriv --reuid 10001 --regid 10001 --clear-groups');
  });

  test('a kernel that would allow what is harmful is caught by 30', async () => {
    await catches(sandbox, 'pretended', 30);
  });

  test('each has been seen broken in one of them', () => {
    assert.deepEqual(
      namesOf(tried).filter((name) => !caught.has(name)),
      [],
    );
  });

  test('a refusal holds, a gain breaks, and anything else is neither', () => {
    const refusals = ['EPERM', 'ENOSYS'];
    const verdicts = [
      { refused: 'EPERM', where: '' },
      { gained: null },
      { gained: 'a raw socket' },
      { refused: 'EINVAL', where: '' },
      { problem: 'it ended without a word' },
    ].map((seen) => judge({ seen, refusals }));
    assert.deepEqual(verdicts, ['held', 'held', 'broken', 'unclear', 'unclear']);
  });
});
