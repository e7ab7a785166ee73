import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';

/** A request as it arrived at the engine. */
export type Recorded = { method: string; target: string; body: string };

export type RecordingEngine = AsyncDisposable & {
  socketPath: string;
  /** A directory for other sockets of the test. */
  directory: string;
  /** Everything that ever arrived, in order. */
  recorded: Recorded[];
  /** Labels of the containers that exist, by id. */
  containers: Map<string, Record<string, string>>;
};

export type OnHijack = (socket: Socket, body: string) => void;

export const createdId = 'a'.repeat(64);
export const execId = 'e'.repeat(64);

/** Stands where Docker's socket is, answers what a Docker engine would, and keeps what it was asked. */
export const openRecordingEngine = async (onHijack?: OnHijack): Promise<RecordingEngine> => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'socket-proxy-'));
  const socketPath = path.join(directory, 'engine.sock');
  const recorded: Recorded[] = [];
  const containers: RecordingEngine['containers'] = new Map();
  const sockets = new Set<Socket>();

  const server = http.createServer((request, response) => {
    const { method = '', url: target = '' } = request;
    text(request).then((body) => {
      recorded.push({ method, target, body });
      const { status, answer } = answerTo(method, target, containers);
      response.writeHead(status, { 'Content-Type': 'application/json', 'Api-Version': '1.41' });
      response.end(answer === undefined ? undefined : JSON.stringify(answer));
    });
  });
  // Without a listener Node answers a request for an upgrade like any other, as Docker does when an exec is gone.
  if (onHijack) {
    server.on('upgrade', (request, socket, head) => {
      const bytes = Number(request.headers['content-length']);
      const body = head.subarray(0, bytes).toString();
      recorded.push({ method: request.method ?? '', target: request.url ?? '', body });
      socket.unshift(head.subarray(bytes));
      socket.write('HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n');
      socket.write('Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
      onHijack(socket as Socket, body);
    });
  }
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(socketPath);
  await once(server, 'listening');

  return {
    socketPath,
    directory,
    recorded,
    containers,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await rm(directory, { recursive: true, force: true });
    },
  };
};

const answerTo = (
  method: string,
  target: string,
  containers: RecordingEngine['containers'],
): { status: number; answer?: object } => {
  const { pathname } = new URL(target, 'http://docker');
  if (pathname.endsWith('/containers/create'))
    return { status: 201, answer: { Id: createdId, Warnings: [] } };
  if (pathname.endsWith('/exec')) return { status: 201, answer: { Id: execId } };
  const inspected = /^\/containers\/([0-9a-f]{64})\/json$/.exec(pathname)?.[1];
  if (inspected !== undefined) {
    const labels = containers.get(inspected);
    if (!labels) return { status: 404, answer: { message: `No such container: ${inspected}` } };
    return { status: 200, answer: { Id: inspected, Config: { Labels: labels } } };
  }
  if (pathname.startsWith('/exec/') && method === 'POST') {
    return { status: 409, answer: { message: 'Container is not running' } };
  }
  if (pathname.endsWith('/wait')) return { status: 200, answer: { StatusCode: 0 } };
  if (method === 'DELETE' || method === 'POST') return { status: 204 };
  return { status: 200, answer: {} };
};
