import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';

/** A request as its bytes came over the wire. */
export type RawRequest = { line: string; headers: Record<string, string>; body: string };

/** Answers every request for a repository as a server of git does, and keeps what it was asked byte by byte. */
export type RecordingGitHub = AsyncDisposable & { url: string; requests: RawRequest[] };

export const startRecordingGitHub = async (): Promise<RecordingGitHub> => {
  const requests: RawRequest[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    let received = '';
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      for (let found = cut(received); found !== undefined; found = cut(received)) {
        received = found.rest;
        requests.push(found.request);
        socket.write(answerTo(found.request));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

/** Believes Content-Length alone: whatever else ends a body makes the rest of it a request, and shows. */
const cut = (received: string): { request: RawRequest; rest: string } | undefined => {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...lines] = received.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((header) => {
      const colon = header.indexOf(':');
      return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()];
    }),
  );
  const bodyEnd = end + 4 + Number(headers['content-length'] ?? 0);
  if (received.length < bodyEnd) return undefined;
  return {
    request: { line, headers, body: received.slice(end + 4, bodyEnd) },
    rest: received.slice(bodyEnd),
  };
};

const answerTo = ({ line }: RawRequest): string => {
  const kind = line.startsWith('GET ') ? 'advertisement' : 'result';
  const head = [
    'HTTP/1.1 200 OK',
    `Content-Type: application/x-git-upload-pack-${kind}`,
    'Content-Length: 4',
  ];
  return `${head.join('\r\n')}\r\n\r\n0000`;
};
