import { BlockList, isIP } from 'node:net';

/**
 * Whether an address, in the spelling that `node:net` takes, lies on the open Internet. Everything that IANA's
 * special-purpose registries do not call globally reachable is refused, and a little more:
 * https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry.
 */
export const isPublicAddress = (address: string): boolean => {
  // isIP takes a zone id, `fe80::1%eth0`, which has a meaning on one machine only.
  if (address.includes('%')) return false;
  const version = isIP(address);
  if (version === 4) return !special.check(address, 'ipv4');
  return version === 6 && allocated6.check(address, 'ipv6') && !special.check(address, 'ipv6');
};

const special4 = [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // carrier-grade NAT; some clouds keep their metadata here
  ['127.0.0.0', 8], // loopback
  ['168.63.129.16', 32], // Azure's host agent: an ordinary address to IANA, the inside of a cloud in truth
  ['169.254.0.0', 16], // link-local, metadata of most clouds
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // IETF protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays, deprecated
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast at its end
] as const;

const special6 = [
  ['2001::', 23], // IETF protocol assignments, with Teredo, which hides an IPv4 address
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4, which holds an IPv4 address
  ['3fff::', 20], // documentation
] as const;

/**
 * Only 2000::/3 is given out to anybody (https://www.iana.org/assignments/ipv6-address-space), so loopback, mapped,
 * unique-local, link-local and multicast addresses all lie outside. NAT64 (RFC 6052) stands for the IPv4 address at its
 * end and is how a machine without IPv4 reaches GitHub: it is as public as that one.
 */
const allocated6 = new BlockList();
allocated6.addSubnet('2000::', 3, 'ipv6');
allocated6.addSubnet('64:ff9b::', 96, 'ipv6');

const special = new BlockList();
for (const [network, prefix] of special6) special.addSubnet(network, prefix, 'ipv6');
for (const [network, prefix] of special4) {
  special.addSubnet(network, prefix, 'ipv4');
  special.addSubnet(`64:ff9b::${network}`, 96 + prefix, 'ipv6');
}
