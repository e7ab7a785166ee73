import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { EgressOptions } from './tunnel.ts';

/** The real network: the only file of the egress that touches it. */
export const systemNetwork: Pick<EgressOptions, 'resolve' | 'dial'> = {
  async resolve(host, signal) {
    signal.throwIfAborted();
    // With the root's dot no search domain of this machine is tried. IPv4 first, since many hosts have only that.
    const found = lookup(`${host}.`, { all: true, order: 'ipv4first' });
    return (await Promise.race([found, aborted(signal)])).map(({ address }) => address);
  },

  async dial(address, port, signal): Promise<Duplex> {
    signal.throwIfAborted();
    // A name would be resolved a second time, and could by then mean another address.
    if (net.isIP(address) === 0) throw new TypeError('Only an address is dialled.');
    const socket = net.connect({ host: address, port, allowHalfOpen: true, noDelay: true });
    try {
      await once(socket, 'connect', { signal });
      return socket;
    } catch (error) {
      socket.on('error', () => {}).destroy();
      throw error;
    }
  },
};

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
