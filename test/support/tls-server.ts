import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls, { type TLSSocket } from 'node:tls';

/** A local TLS server for a public name, with a certificate of its own making. */
export type TlsServer = AsyncDisposable & {
  port: number;
  /** What a client must trust. */
  certificate: string;
  /** Dials it, whatever address was asked for. */
  dial: () => Promise<net.Socket>;
};

export const startTlsServer = async (
  host: string,
  onConnection: (socket: TLSSocket) => void,
): Promise<TlsServer> => {
  const pem = await selfSigned(host);
  const sockets = new Set<net.Socket>();
  const server = tls.createServer({ key: pem, cert: pem, allowHalfOpen: true }, onConnection);
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    certificate: pem,
    dial: () => dialLoopback(port),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

export const dialLoopback = async (port: number): Promise<net.Socket> => {
  const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
};

/** A key and a certificate, in one text. */
const selfSigned = async (host: string): Promise<string> => {
  await using directory = await mkdtempDisposable(path.join(os.tmpdir(), 'certificate-'));
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const keyFile = path.join(directory.path, 'key.pem');
  await writeFile(keyFile, privateKey);
  const names = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
  const words = ['req', '-x509', '-key', keyFile, '-days', '1', ...names];
  const certificate = execFileSync('openssl', words, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return `${privateKey}${certificate}`;
};
