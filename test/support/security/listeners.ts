import dgram from 'node:dgram';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Somebody on the host who listens at one port on every address, over TCP and UDP, and at a socket with a name. */
export type Listeners = AsyncDisposable & { port: number; addresses: string[]; heard: string[] };

export const startListeners = async (): Promise<Listeners> => {
  const heard: string[] = [];
  const hear = (how: string) => (socket: net.Socket) => {
    heard.push(how);
    socket.on('error', () => {}).destroy();
  };
  const byTcp = net.createServer(hear('tcp')).listen(0, '0.0.0.0');
  await once(byTcp, 'listening');
  const { port } = byTcp.address() as AddressInfo;
  const byName = net.createServer(hear('name')).listen({ path: `\0backspace-${port}` });
  await once(byName, 'listening');
  const byUdp = dgram.createSocket('udp4').bind(port, '0.0.0.0');
  await once(byUdp, 'listening');
  byUdp.on('message', () => heard.push('udp'));
  // Only this machine's own: nothing that is sent there leaves it.
  const addresses = Object.values(networkInterfaces()).flatMap((entries = []) =>
    entries.flatMap(({ address, family }) => (family === 'IPv4' ? [address] : [])),
  );
  return {
    ...{ port, addresses, heard },
    async [Symbol.asyncDispose]() {
      byUdp.close();
      for (const server of [byTcp, byName]) server.close();
    },
  };
};
