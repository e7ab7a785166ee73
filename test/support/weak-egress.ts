import { isAllowed } from '../../server/docker/egress/allowlist.ts';
import { createHelloReader } from '../../server/docker/egress/client-hello.ts';
import { parseAuthority } from '../../server/docker/egress/host-name.ts';
import { isPublicAddress } from '../../server/docker/egress/public-address.ts';
import type { EgressOptions, Tunnels } from '../../server/docker/egress/tunnel.ts';

/**
 * A proxy as it is often written, with one of its checks in the weak form and the others sound. The suites that the
 * egress passes must catch it; nothing else uses it.
 */
export type Weakness =
  | 'allows by the end of the name'
  | 'resolves before it asks the list'
  | 'forbids known names'
  | 'parses with new URL'
  | 'looks at the first address'
  | 'knows three private networks'
  | 'resolves again to dial'
  | 'takes any first bytes'
  | 'takes any server name';

export const createWeakEgress =
  (weakness: Weakness) =>
  (options: EgressOptions): Tunnels => ({
    async connect({ authority, body, signal }) {
      const refused = { status: 403, headers: {}, body: pieces() };
      const target =
        weakness === 'parses with new URL' || weakness === 'forbids known names'
          ? parseWithUrl(authority)
          : parseSoundly(authority);
      if (target === undefined || target.port !== 443) return refused;
      if (weakness === 'resolves before it asks the list') await options.resolve(target.host, signal);
      if (!allows(weakness, options, target.host)) return refused;

      const addresses = await options.resolve(target.host, signal).catch(() => []);
      const judged = weakness === 'looks at the first address' ? addresses.slice(0, 1) : addresses;
      const isFine = weakness === 'knows three private networks' ? isNotObviouslyPrivate : isPublicAddress;
      if (judged.length === 0 || !judged.every(isFine)) return refused;
      const dialled =
        weakness === 'resolves again to dial' ? await options.resolve(target.host, signal) : addresses;

      return {
        status: 200,
        headers: {},
        body: (async function* () {
          const hello = await firstBytes(body);
          if (weakness !== 'takes any first bytes') {
            const name = serverNameOf(hello);
            if (name === undefined) return;
            if (weakness !== 'takes any server name' && name.toLowerCase() !== target.host) return;
          }
          const upstream = await options.dial(dialled.at(-1) ?? '', target.port, signal);
          upstream.end(hello);
          yield* upstream;
        })(),
      };
    },
    refusePlain: () => ({ status: 403, headers: {}, body: pieces() }),
    denials: () => ({ total: 0, distinct: [] }),
  });

const allows = (weakness: Weakness, { allowlist }: EgressOptions, host: string): boolean => {
  switch (weakness) {
    case 'allows by the end of the name':
      return [...allowlist.hosts, ...allowlist.domains].some((allowed) => host.endsWith(allowed));
    case 'forbids known names':
      return !['localhost', 'metadata.google.internal', '2130706433'].includes(host);
    case 'resolves before it asks the list':
    case 'parses with new URL':
    case 'looks at the first address':
    case 'knows three private networks':
    case 'resolves again to dial':
    case 'takes any first bytes':
    case 'takes any server name':
      return isAllowed(allowlist, host);
  }
};

const parseWithUrl = (authority: string) => {
  if (!URL.canParse(`https://${authority}`)) return undefined;
  const { hostname, port } = new URL(`https://${authority}`);
  return { host: hostname.replace(/\.$/, ''), port: Number(port || 443) };
};

const parseSoundly = (authority: string) => {
  const parsed = parseAuthority(authority);
  return 'problem' in parsed ? undefined : parsed;
};

const isNotObviouslyPrivate = (address: string): boolean => !/^(127|10|192\.168)\.|^::1$/.test(address);

const firstBytes = async (body: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  for await (const piece of body) return piece;
  return new Uint8Array();
};

const serverNameOf = (hello: Uint8Array): string | undefined => {
  const state = createHelloReader().push(hello);
  return state.state === 'done' ? state.serverName : undefined;
};

const pieces = async function* (): AsyncGenerator<Uint8Array> {};
