import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenEgress } from '../../../../server/docker/egress/open-egress.ts';
import { chooseSetupPolicy, type EgressSettings } from '../../../../server/docker/egress/policy.ts';
import type { EgressDenial } from '../../../../server/domain/egress.ts';
import type { WayOut } from '../../../../server/domain/sandbox.ts';
import { limits, nowhere, publicAddress } from '../../../support/egress-bench.ts';
import { buildClientHello } from '../../../support/tls-client-hello.ts';

const settings: EgressSettings = {
  allow: ['registry.example', '*.files.example'],
  allowPrivate: false,
  publicIsForAll: true,
};

/** How requests for these hosts are answered while a setup runs, and what was dialled and told. */
const ask = async (hosts: readonly string[], changed: Partial<EgressSettings> = {}, isPrivate = false) => {
  const dialled: string[] = [];
  const denied: EgressDenial[] = [];
  const network = {
    limits,
    resolve: async () => [publicAddress],
    dial: async (address: string, port: number) => {
      dialled.push(`${address}:${port}`);
      return nowhere();
    },
  };
  const open = createOpenEgress({ ...settings, ...changed }, network, chooseSetupPolicy);
  const gateway: WayOut = async () => ({ status: 418, headers: {}, body: (async function* () {})() });
  const wayOut = open({ private: isPrivate }, (denial) => denied.push(denial)).guard(gateway);
  const statuses: Record<string, number> = {};
  for (const host of hosts) {
    const body = (async function* () {
      yield buildClientHello({ serverNames: [host] });
    })();
    const request = { method: 'CONNECT', path: `${host}:443`, headers: {}, body };
    const response = await wayOut({ ...request, signal: AbortSignal.timeout(5000) });
    await Array.fromAsync(response.body);
    statuses[host] = response.status;
  }
  return { statuses, dialled: dialled.length, denied };
};

test('a setup reaches the named hosts, and neither the default ones nor those that are never allowed', async () => {
  const passing = ['registry.example', 'a.files.example'];
  const refused = [
    'github.com',
    'codeload.github.com',
    'api.github.com',
    'files.example',
    'x.registry.example',
  ];
  const { statuses, dialled, denied } = await ask([...passing, ...refused]);
  assert.deepEqual(statuses, {
    ...Object.fromEntries(passing.map((host) => [host, 200])),
    ...Object.fromEntries(refused.map((host) => [host, 403])),
  });
  assert.equal(dialled, passing.length);
  assert.deepEqual(denied[0], {
    host: 'github.com',
    port: 443,
    reason: 'The host is not allowed while setup commands run.',
    howToAllow: 'Add github.com to SETUP_EGRESS_ALLOW on the server.',
  });
});

test('where nothing is named, or one entry cannot be read, a setup reaches nothing', async () => {
  for (const [allow, reason] of [
    [[], 'SETUP_EGRESS_ALLOW names no host, so setup commands reach none.'],
    [undefined, 'SETUP_EGRESS_ALLOW names no host, so setup commands reach none.'],
    [
      ['registry.example', 'https://x'],
      'SETUP_EGRESS_ALLOW on the server cannot be read, so setup commands reach no host.',
    ],
  ] as const) {
    const { statuses, dialled, denied } = await ask(['registry.example', 'github.com'], { allow });
    assert.deepEqual(statuses, { 'registry.example': 403, 'github.com': 403 });
    assert.deepEqual([dialled, denied[0]?.reason], [0, reason]);
  }
});

test('of a private repository a setup reaches nothing, unless that is allowed', async () => {
  const closed = await ask(['registry.example'], {}, true);
  const enterprise = await ask(['registry.example'], { publicIsForAll: false });
  const open = await ask(['registry.example'], { allowPrivate: true, publicIsForAll: false }, true);
  assert.deepEqual(
    [closed, enterprise, open].map(({ statuses, dialled }) => [statuses['registry.example'], dialled]),
    [
      [403, 0],
      [403, 0],
      [200, 1],
    ],
  );
  assert.equal(closed.denied[0]?.howToAllow, 'Set EGRESS_ALLOW_PRIVATE on the server.');
});
