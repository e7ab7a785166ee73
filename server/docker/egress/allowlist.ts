import { parseHostName } from './host-name.ts';

/** Which hosts a sandbox may reach, in canonical form. */
export type Allowlist = {
  hosts: ReadonlySet<string>;
  /** Domains whose names below, at any depth, are allowed; the domain itself is not. */
  domains: readonly string[];
};

/** What a clone, a release download and a raw file need. */
export const defaultHosts = [
  'github.com',
  'codeload.github.com',
  'raw.githubusercontent.com',
  'release-assets.githubusercontent.com',
] as const;

/**
 * Reads exact hosts and `*.domain`. One entry that cannot be read refuses the whole list: half a list would be
 * somebody else's policy.
 */
export const parseAllowlist = (entries: readonly string[]): Allowlist | { problems: string[] } => {
  const parsed = entries.map(parseEntry);
  const problems = parsed.flatMap((entry) => ('problem' in entry ? [entry.problem] : []));
  if (problems.length > 0) return { problems };
  return {
    hosts: new Set(parsed.flatMap((entry) => ('host' in entry ? [entry.host] : []))),
    domains: [...new Set(parsed.flatMap((entry) => ('domain' in entry ? [entry.domain] : [])))],
  };
};

/** `host` is canonical, as parseHostName gives it. */
export const isAllowed = ({ hosts, domains }: Allowlist, host: string): boolean =>
  !isNeverAllowed(host) && (hosts.has(host) || domains.some((domain) => host.endsWith(`.${domain}`)));

/** No setting opens these. */
export const isNeverAllowed = (host: string): boolean =>
  neverHosts.some((never) => host === never || host.endsWith(`.${never}`));

/**
 * They take data from whoever brings a token, and inside TLS nobody sees whose token it is: code taken over by text in
 * the repository would carry a stranger's, and could leave anything in a gist, an issue or a release of theirs. What a
 * job needs of the API the server does itself.
 */
const neverHosts = ['api.github.com', 'gist.github.com', 'uploads.github.com'] as const;

type Entry = { host: string } | { domain: string } | { problem: string };

const parseEntry = (entry: string): Entry => {
  const isWildcard = entry.startsWith('*.');
  const parsed = parseHostName(isWildcard ? entry.slice(2) : entry);
  const shown = JSON.stringify(entry);
  if ('problem' in parsed) return { problem: `${shown} is neither a host nor «*.domain».` };
  const { host } = parsed;
  const never = neverHosts.find((name) => isWildcard && name.endsWith(`.${host}`));
  if (never !== undefined) return { problem: `${shown} covers ${never}, which is never allowed.` };
  if (isNeverAllowed(host)) return { problem: `${shown} is never allowed.` };
  return isWildcard ? { domain: host } : { host };
};
