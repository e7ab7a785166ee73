import type { DenialReport, EgressDenial } from '../../domain/egress.ts';
import type { WayOutResponse } from '../../domain/sandbox.ts';
import { say, sentences } from './answers.ts';
import { createDenials, presentableHost } from './denials.ts';
import { parseAuthority } from './host-name.ts';
import { howToAsk, howToRaise, howToTalk, judgeTarget, notPublic } from './judge.ts';
import type { EgressLimits } from './limits.ts';
import { type Dial, openTunnel } from './open-tunnel.ts';
import type { EgressPolicy } from './policy.ts';
import { isPublicAddress } from './public-address.ts';
import { createUsage } from './usage.ts';

export type EgressOptions = EgressPolicy & {
  limits: EgressLimits;
  /** All addresses of a host; rejects when there is none, or when the signal aborts. */
  resolve: (host: string, signal: AbortSignal) => Promise<string[]>;
  dial: Dial;
  /** Told once for each distinct refusal, of which there are at most 100. */
  onDenied: (denial: EgressDenial) => void;
};

type ConnectRequest = {
  /** The target as it was sent. */
  authority: string;
  body: AsyncIterable<Uint8Array>;
  /** Aborts when the client is gone, at the latest after both bodies have ended: it frees the connection. */
  signal: AbortSignal;
};

export type Tunnels = {
  /** 200 and a tunnel, or a refusal in plain text: 403 by policy, 429 by a limit, 502 when a host has no address. */
  connect(request: ConnectRequest): Promise<WayOutResponse>;
  /** What asks a proxy for anything but a tunnel, `GET http://…`, would go in clear: always a refusal. */
  refusePlain(url: string): WayOutResponse;
  denials(): DenialReport;
};

/**
 * The allowlist between a sandbox and everything but its repository, for one job. A host is judged by its name, its
 * port and all of its addresses before the tunnel opens, and by the name in the ClientHello before it hears of it; the
 * connection goes to a checked address. What is said inside TLS stays unseen: an allowed host that serves many
 * customers behind one name is allowed for all of them.
 */
export const createEgress = (options: EgressOptions): Tunnels => {
  const { limits, dial } = options;
  const denials = createDenials(options.onDenied);
  const usage = createUsage(limits);

  const deny = (status: number, denial: EgressDenial): WayOutResponse => {
    denials.tell(denial);
    return say(status, sentences(denial));
  };

  const connect = async ({ authority, body, signal }: ConnectRequest): Promise<WayOutResponse> => {
    const target = parseAuthority(authority);
    if ('problem' in target) {
      const host = presentableHost(authority);
      return deny(403, { host, port: null, reason: target.problem, howToAllow: howToAsk });
    }
    const refusal = judgeTarget(target, options);
    if (refusal !== undefined) return deny(403, { ...target, ...refusal });
    const full = usage.full();
    if (full !== undefined) return deny(429, { ...target, reason: full, howToAllow: howToRaise });

    const end = usage.begin();
    signal.addEventListener('abort', end, { once: true });
    const within = AbortSignal.any([signal, AbortSignal.timeout(limits.connectMs)]);
    const addresses = await options.resolve(target.host, within).catch(() => []);
    const isPublic = addresses.every(isPublicAddress);
    if (addresses.length === 0 || !isPublic || signal.aborted) end();
    if (!isPublic) return deny(403, { ...target, ...notPublic });
    if (addresses.length === 0) return say(502, `${target.host} cannot be resolved.`);

    const tell = denials.tell;
    const tunnel = openTunnel({ target, addresses, body, signal, limits, usage, dial, tell, end });
    return { status: 200, headers: {}, body: tunnel };
  };

  return {
    connect,
    refusePlain: (url) =>
      deny(403, { ...targetOfPlain(url), reason: 'It asks for plain HTTP.', howToAllow: howToTalk }),
    denials: denials.report,
  };
};

/** For the eye only: nothing is ever sent there. */
const targetOfPlain = (url: string): { host: string; port: number | null } => {
  const authority = (/^[a-z]+:\/\/([^/?#]*)/i.exec(url)?.[1] ?? url).slice(0, 1000);
  const parsed = parseAuthority(authority.includes(':') ? authority : `${authority}:80`);
  return 'problem' in parsed ? { host: presentableHost(authority), port: null } : parsed;
};
