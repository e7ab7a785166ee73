import { isAllowed, isNeverAllowed } from './allowlist.ts';
import type { Authority } from './host-name.ts';
import type { EgressPolicy } from './policy.ts';

/** Why a target is refused, and what would let it pass. */
export type Verdict = { reason: string; howToAllow: string };

/** By its name and port alone, before anything is resolved: undefined when it may pass. */
export const judgeTarget = (
  { host, port }: Authority,
  { allowlist, closed, notAllowed = notAllowedForAgent }: EgressPolicy,
): Verdict | undefined => {
  if (isNeverAllowed(host)) return { reason: 'The host is never allowed.', howToAllow: 'Nothing allows it.' };
  if (closed !== undefined) return closed;
  if (!isAllowed(allowlist, host)) return notAllowed(host);
  if (port !== httpsPort) return { reason: `Only port ${httpsPort} is allowed.`, howToAllow: howToAsk };
  return undefined;
};

const notAllowedForAgent = (host: string): Verdict => ({
  reason: 'The host is not allowed.',
  howToAllow: `Add ${host} to EGRESS_ALLOW on the server.`,
});

const httpsPort = 443;

export const howToAsk = `Ask for a host by its name, as host:${httpsPort}.`;
export const howToTalk = 'Use https: TLS that names the host it is meant for.';
export const howToRaise = 'Raise the limits for egress on the server.';

export const notPublic: Verdict = {
  reason: 'The host resolves to an address that is not public.',
  howToAllow: 'Hosts of an inner network cannot be allowed.',
};
