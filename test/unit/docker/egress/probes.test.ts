import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publicAddress } from '../../../support/egress-bench.ts';
import {
  addressProbes,
  answerProbes,
  attempt,
  letThrough,
  notTlsProbes,
  otherHostProbes,
  type Probe,
  rebindingProbes,
  serverNameProbes,
  spellingProbes,
} from '../../../support/egress-probes.ts';
import type { Weakness } from '../../../support/weak-egress.ts';

/** Every probe by itself: no connection is made, and the job hears of exactly one refusal. */
const suite = (title: string, probes: readonly Probe[], weak: Partial<Record<Weakness, number>>): void => {
  test(`${title}: none of ${probes.length} probes gets out, and each is told`, async () => {
    for (const probe of probes) {
      const { dialled, denied } = await attempt(probe);
      const shown = JSON.stringify(probe.authority.slice(0, 80));
      assert.deepEqual({ dialled, denials: denied.length }, { dialled: [], denials: 1 }, shown);
      for (const { host, reason, howToAllow } of denied) {
        assert.match(host, /^[A-Za-z0-9.:[\]?-]{1,253}$/, shown);
        assert.match(`${reason} ${howToAllow}`, /^[\x20-\x7e«»]+\.$/, shown);
      }
    }
  });

  for (const [weakness, least] of Object.entries(weak)) {
    test(`${title}: a proxy that ${weakness} is caught`, async () => {
      const through = await letThrough(probes, weakness as Weakness);
      assert.ok(through >= least, `${through} of ${probes.length} probes were let through`);
    });
  }
};

suite('addresses for hosts, in every spelling', addressProbes, { 'forbids known names': 60 });
suite('spellings of an allowed host', spellingProbes, { 'parses with new URL': 15 });
suite('hosts that are not allowed', otherHostProbes, { 'allows by the end of the name': 12 });
suite('answers that are not public', answerProbes, {
  'looks at the first address': 36,
  'knows three private networks': 60,
});
suite('first bytes that are not TLS', notTlsProbes, { 'takes any first bytes': 20 });
suite('server names that are not the host', serverNameProbes, {
  'takes any server name': 12,
  'takes any first bytes': 25,
});

test('a name is resolved once, and the address dialled is the one that was checked', async () => {
  for (const probe of rebindingProbes) {
    const { status, dialled } = await attempt(probe);
    assert.deepEqual(
      { status, dialled },
      { status: 200, dialled: [{ address: publicAddress, port: 443 }] },
      JSON.stringify(probe.answers),
    );
  }
  for (const probe of rebindingProbes) {
    const { dialled } = await attempt(probe, 'resolves again to dial');
    assert.notDeepEqual(dialled, [{ address: publicAddress, port: 443 }], JSON.stringify(probe.answers));
  }
});

test('the probes would get out if their one fault were mended', async () => {
  for (const authority of [
    'github.com:443',
    'GitHub.COM:443',
    'github.com.:443',
    'codeload.github.com:443',
  ]) {
    const { status, dialled, denied } = await attempt({ authority });
    assert.deepEqual(
      { status, dialled, denied },
      { status: 200, dialled: [{ address: publicAddress, port: 443 }], denied: [] },
      authority,
    );
  }
});
