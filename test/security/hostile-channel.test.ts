import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { leaksIn } from '../support/leaks.ts';
import { sample, startRandom } from '../support/sample.ts';
import type { Behaviour, Outcome } from '../support/security/channel/behaviour.ts';
import { callsBehaviours } from '../support/security/channel/calls-behaviours.ts';
import { type Attack, type Rig, startRig, type Watched } from '../support/security/channel/rig.ts';
import { hear } from '../support/security/channel/script.ts';
import { sessionBehaviours } from '../support/security/channel/session-behaviours.ts';
import { slowBehaviours, toolboxBehaviours } from '../support/security/channel/toolbox-behaviours.ts';
import { wayOutBehaviours } from '../support/security/channel/way-out-behaviours.ts';
import type { Weakness } from '../support/security/channel/weak-sandboxes.ts';

/**
 * Every behaviour is a program's inside a real sandbox, which has taken one session of the toolbox over and speaks in
 * its name, to production's sandboxes in a process of their own. What becomes of that process is seen from outside.
 */

const random = startRandom('hostile channel');
const behaviours: Behaviour[] = [
  ...callsBehaviours,
  ...(await toolboxBehaviours()),
  ...sessionBehaviours,
  ...wayOutBehaviours,
];

const secrets = {
  token: `ghp_${randomBytes(20).toString('hex')}`,
  neighbourSecret: randomBytes(20).toString('hex'),
};

/** Far beyond what each attack takes, and far below what the same took before the channel was guarded. */
const grownBytesMax = 100 << 20;
/** Of all attacks together, one after the other. */
const grownInAllBytesMax = 250 << 20;
/** Generous: other tests run beside these. */
const healthMsMax = 5000;
const neighbourMsMax = 20_000;

const assertUnharmed = ({ grownBytes, healthMs, said }: Watched, bytesMax = grownBytesMax): void => {
  assert.equal(said, '', 'the process has something to say');
  assert.ok(grownBytes < bytesMax, `the process grew by ${grownBytes >> 20} MB`);
  assert.ok(healthMs < healthMsMax, `the process took ${Math.round(healthMs)} ms to say that it lives`);
};

const assertEnded = (
  behaviour: Behaviour,
  { callCode, call, report, callsWork, neighbourMs }: Outcome,
): void => {
  assert.ok(neighbourMs.length > 0 && Math.max(...neighbourMs) < neighbourMsMax, `${neighbourMs} ms`);
  assert.ok(callsWork);
  if (behaviour.session === 'calls') assert.equal(callCode, behaviour.callEnds, call);
  else assert.equal(report?.ended === 'closed', behaviour.sessionEnds === 'closed', JSON.stringify(report));
};

/** What the gateway has let through to the repository's host. */
const passed: string[] = [];
const gitHub = createServer((request, response) => {
  passed.push(`${request.method} ${request.url}`);
  response.writeHead(404).end();
});
const settings = () => ({
  ...secrets,
  gitHubUrl: `http://127.0.0.1:${(gitHub.address() as AddressInfo).port}`,
});

let rig: Rig;
let slow: Map<Behaviour, Attack>;
let rssBefore: number;
before(async () => {
  gitHub.listen(0, '127.0.0.1');
  await once(gitHub, 'listening');
  rig = await startRig(settings());
  rssBefore = rig.rssBytes();
  slow = new Map(slowBehaviours.map((behaviour) => [behaviour, rig.attack(behaviour)]));
  // Looked at below: until then an attack that fails must not count as unhandled.
  for (const { outcome } of slow.values()) outcome.catch(() => {});
});
after(async () => {
  await rig?.[Symbol.asyncDispose]();
  gitHub.close();
});

for (const behaviour of sample(behaviours, 8, random)) {
  test(`a sandbox that sends ${behaviour.name} (${behaviour.session})`, async () => {
    const { outcome, watched } = rig.attack(behaviour);
    assertEnded(behaviour, await outcome);
    assertUnharmed(watched());
  });
}

test('a thief at the toolbox’s stdin reads its own job’s requests, and nothing of anybody else’s', async () => {
  const { outcome } = rig.attack({
    ...{ session: 'calls', name: 'nothing, and listens', callEnds: 'given up' },
    steps: [hear, { do: 'tell' }],
  });
  const heard = Buffer.from((await outcome).heard, 'base64').toString('latin1');
  assert.match(heard, /"filepath":"own.txt"/);
  assert.deepEqual(leaksIn(heard, secrets), []);
});

describe('what only the server’s limits end, beside all of the above', () => {
  for (const behaviour of slowBehaviours) {
    test(`a sandbox that sends ${behaviour.name}`, async () => {
      const { outcome, watched } = slow.get(behaviour) ?? assert.fail('it was not started');
      assertEnded(behaviour, await outcome);
      assertUnharmed(watched(), grownInAllBytesMax);
    });
  }
});

test('after all of them the process is no larger, and the gateway let nothing strange through', () => {
  const grownBytes = rig.rssBytes() - rssBefore;
  assert.ok(grownBytes < grownInAllBytesMax, `the process grew by ${grownBytes >> 20} MB`);
  const strange = passed.filter((request) => request !== 'POST /acme/shop.git/git-upload-pack');
  assert.deepEqual(strange, []);
});

const weak: [Weakness, name: string, session: Behaviour['session']][] = [
  ['gives frames to HTTP/2 as they come', 'preliminary answers without end', 'calls'],
  [
    'gives frames to HTTP/2 as they come',
    'sixty-four bodies that nobody reads, in frames of one byte',
    'way-out',
  ],
  ['takes answers of any length', 'an answer without end', 'calls'],
  ['demuxes like dockerode', 'frames without end, and never reads', 'calls'],
];
describe('the same assertions catch a server that', () => {
  for (const [weakness, name, session] of weak) {
    test(`${weakness}, by ${name}`, async () => {
      const behaviour = behaviours.find((one) => one.name === name && one.session === session);
      assert(behaviour);
      await using weakRig = await startRig({ ...settings(), weakness });
      const { outcome, watched } = weakRig.attack(longer(behaviour));
      // Once it is caught, how it would end is of no interest.
      outcome.catch(() => {});
      await eventually(() => assert.throws(() => assertUnharmed(watched())));
    });
  }
});

/** Until it is caught; on a busy machine a flood is slower. */
const longer = (behaviour: Behaviour): Behaviour => ({
  ...behaviour,
  steps: behaviour.steps.map((step) =>
    step.do === 'send' && step.seconds ? { ...step, seconds: 60 } : step,
  ),
});

const eventually = async (assertion: () => void): Promise<void> => {
  const until = performance.now() + 60_000;
  for (;;) {
    try {
      return assertion();
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(50);
    }
  }
};
