import type { WayOut } from '../../domain/sandbox.ts';
import { isAllowed } from '../egress/allowlist.ts';
import { parseAuthority } from '../egress/host-name.ts';
import { createOpenEgress } from '../egress/open-egress.ts';
import { choosePolicy, type EgressSettings } from '../egress/policy.ts';
import type { EgressOptions } from '../egress/tunnel.ts';
import { type Finding, finding } from './finding.ts';

/**
 * The egress as it is set, on a network of the doctor's: every name has one address, a public one of GitHub's, and
 * nothing is ever dialled. So a probe for a forbidden host stays on this machine even if a check should let it pass.
 */
export const openEgressOfDoctor = (settings: EgressSettings, limits: EgressOptions['limits']): WayOut => {
  const resolve = async () => ['140.82.112.3'];
  const dial = () => Promise.reject(new Error('The doctor dials nobody.'));
  const open = createOpenEgress(settings, { limits, resolve, dial });
  const gateway: WayOut = async () => ({ status: 403, headers: {}, body: (async function* () {})() });
  return open({ private: false }, () => {}).guard(gateway);
};

/** What the doctor asks the way out for, and whether it must pass: allowed hosts, and what is mostly forbidden. */
export const egressTargets = (settings: EgressSettings): Map<string, boolean> => {
  const { allowlist } = choosePolicy(settings, { private: false });
  const allowed = [...allowlist.hosts].map((host) => [`${host}:443`, true] as const);
  const others = suspects.map((target) => {
    const parsed = parseAuthority(target);
    const passes = !('problem' in parsed) && parsed.port === 443 && isAllowed(allowlist, parsed.host);
    return [target, passes] as const;
  });
  return new Map([...allowed, ...others]);
};

const suspects = [
  'api.github.com:443',
  'gist.github.com:443',
  'github.com:22',
  'example.com:443',
  'localhost:443',
  'metadata.google.internal:443',
  '169.254.169.254:443',
  '127.0.0.1:443',
  '0x7f000001:443',
  '[::1]:443',
] as const;

export const egressFindings = (
  settings: EgressSettings,
  statuses: Readonly<Record<string, number>>,
): Finding[] => {
  const targets = [...egressTargets(settings)];
  const { allowlist, closed } = choosePolicy(settings, { private: false });
  const hosts = [...allowlist.hosts, ...allowlist.domains.map((domain) => `*.${domain}`)];
  const mend = 'this server is not as it was published: install it anew';
  const row = (name: string, passes: boolean, detail: string): Finding => {
    const wrong = targets
      .filter(([target, expected]) => expected === passes && (statuses[target] === 200) !== passes)
      .map(([target]) => `${target} was answered ${statuses[target] ?? 'nothing'}`);
    return finding(name, wrong.length === 0, wrong.length === 0 ? detail : wrong.join(', '), mend);
  };
  const refused = targets.filter(([, expected]) => !expected).length;
  return [
    row('egress allowed', true, closed ? `nothing: ${closed.reason}` : hosts.join(', ')),
    row('egress denied', false, `${refused} other hosts and addresses: all refused`),
  ];
};
