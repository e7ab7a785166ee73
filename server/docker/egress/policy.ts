import { type Allowlist, defaultHosts, parseAllowlist } from './allowlist.ts';
import type { Verdict } from './judge.ts';

/** What a job's sandbox may reach, and, when that is nothing, why. */
export type EgressPolicy = {
  allowlist: Allowlist;
  closed?: Verdict;
  /** Of a host that is not on the list; without it what the agent is told. */
  notAllowed?: (host: string) => Verdict;
};

export type EgressSettings = {
  /** The entries of EGRESS_ALLOW; undefined when it is not set. */
  allow: readonly string[] | undefined;
  /** EGRESS_ALLOW_PRIVATE */
  allowPrivate: boolean;
  /** Whether GITHUB_URL is github.com. On an Enterprise server «public» means all of its users, and not the world. */
  publicIsForAll: boolean;
};

/**
 * The one rule of who gets out at all. EGRESS_ALLOW adds to the default hosts; set to nothing, or unreadable, it lets
 * nothing out. A repository that not everybody may read has the gateway alone, since whatever its sandbox reaches could
 * receive its code.
 */
export const choosePolicy = (settings: EgressSettings, repository: { private: boolean }): EgressPolicy => {
  if (!settings.allowPrivate) {
    if (repository.private) return closed(closedForPrivate);
    if (!settings.publicIsForAll) return closed(closedForEnterprise);
  }
  if (settings.allow?.length === 0) return closed(closedBySetting);
  const allowlist = parseAllowlist([...defaultHosts, ...(settings.allow ?? [])]);
  return 'problems' in allowlist ? closed(closedByProblems) : { allowlist };
};

/**
 * While setup commands run, the hosts of SETUP_EGRESS_ALLOW are all that there is: neither the default ones nor those of
 * EGRESS_ALLOW are among them. Of a repository that not everybody may read it is as closed as otherwise.
 */
export const chooseSetupPolicy = (
  settings: EgressSettings,
  repository: { private: boolean },
): EgressPolicy => {
  const { allow = [], ...others } = settings;
  const { closed: why } = choosePolicy({ ...others, allow: undefined }, repository);
  if (why !== undefined) return closed(why);
  if (allow.length === 0) return closed(closedForSetup);
  const allowlist = parseAllowlist(allow);
  return 'problems' in allowlist ? closed(setupProblems) : { allowlist, notAllowed: notAllowedForSetup };
};

/** What in EGRESS_ALLOW cannot be read; then nothing is allowed. */
export const allowlistProblems = ({ allow = [] }: EgressSettings): string[] => {
  const allowlist = parseAllowlist(allow);
  return 'problems' in allowlist ? allowlist.problems : [];
};

const closed = (why: Verdict): EgressPolicy => ({
  allowlist: { hosts: new Set(), domains: [] },
  closed: why,
});

const closedForPrivate = {
  reason: 'The repository is private, and its sandbox may reach nothing else.',
  howToAllow: 'Set EGRESS_ALLOW_PRIVATE on the server.',
};

const closedForEnterprise = {
  ...closedForPrivate,
  reason: 'The repository is on an Enterprise server, and its sandbox may reach nothing else.',
};

const closedBySetting = {
  reason: 'EGRESS_ALLOW is set to nothing on the server.',
  howToAllow: 'Name hosts in EGRESS_ALLOW on the server, or leave it unset for the default ones.',
};

const closedByProblems = {
  reason: 'EGRESS_ALLOW on the server cannot be read, so nothing is allowed.',
  howToAllow: 'Mend EGRESS_ALLOW on the server.',
};

const closedForSetup = {
  reason: 'SETUP_EGRESS_ALLOW names no host, so setup commands reach none.',
  howToAllow: 'Name the hosts in SETUP_EGRESS_ALLOW on the server.',
};

const setupProblems = {
  reason: 'SETUP_EGRESS_ALLOW on the server cannot be read, so setup commands reach no host.',
  howToAllow: 'Mend SETUP_EGRESS_ALLOW on the server.',
};

const notAllowedForSetup = (host: string): Verdict => ({
  reason: 'The host is not allowed while setup commands run.',
  howToAllow: `Add ${host} to SETUP_EGRESS_ALLOW on the server.`,
});
