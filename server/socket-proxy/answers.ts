import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { bodyBytesMax, readAll } from './body.ts';
import { passOn } from './headers.ts';
import { type Refusal, refusalBody } from './refusal.ts';

/** The id is told before the answer is on its way: the next request may come at once. */
export const sendCreated = async (
  answer: IncomingMessage,
  response: ServerResponse,
  onId: (id: string) => void,
): Promise<void> => {
  const text = (await readAll(answer, bodyBytesMax)).toString('utf8');
  onId(createdSchema.parse(JSON.parse(text)).Id);
  response.writeHead(201, passOn(answer.headers)).end(text);
};

const createdSchema = z.object({ Id: z.string() });

export const sendAnswer = async (answer: IncomingMessage, response: ServerResponse): Promise<void> => {
  response.writeHead(answer.statusCode ?? 502, passOn(answer.headers));
  await pipeline(answer, response);
};

/** After a refusal the connection ends: what else was sent on it is not looked at. */
export const sendRefusal = (response: ServerResponse, refusal: Pick<Refusal, 'status' | 'message'>): void => {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(refusal.status, { 'Content-Type': 'application/json', Connection: 'close' });
  response.end(refusalBody(refusal.message));
};

/** For a connection that asked for an upgrade: without one it is answered in HTTP, and ends. */
export const responseOn = (request: IncomingMessage, socket: Socket): ServerResponse => {
  const response = new http.ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => socket.destroySoon());
  return response;
};

/** The words with which Docker itself gives a connection away. */
export const sendUpgraded = (response: ServerResponse, socket: Socket, contentType: string): void => {
  response.detachSocket(socket);
  socket.write(
    `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${contentType}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`,
  );
};

export const sendBadRequest = (socket: Socket): void => {
  const body = refusalBody('This is not a request that the proxy can read.');
  if (socket.writable) {
    socket.write(`HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n`);
    socket.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }
  socket.destroySoon();
};
