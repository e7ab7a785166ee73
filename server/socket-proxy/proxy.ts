import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Log } from '../domain/log.ts';
import { responseOn, sendAnswer, sendBadRequest, sendCreated, sendRefusal, sendUpgraded } from './answers.ts';
import { bodyBytesMax, checkBody, declaredBytes, readAll, readExactly } from './body.ts';
import { connectEngine, type Engine, type EngineRequest } from './engine.ts';
import { checkHeaders } from './headers.ts';
import { joinSockets } from './join-sockets.ts';
import { createOurs, type Ours } from './ours.ts';
import type { Permitted, Policy } from './policy.ts';
import { asRefusal, Refusal, shorten } from './refusal.ts';

export type ProxyLimits = {
  /** For a request's head and body to come in. */
  requestTimeoutMs: number;
  /** For the engine's answer, its body included; a hijacked connection has no time limit. */
  engineTimeoutMs: number;
  connectionsMax: number;
};

export type ProxyOptions = { engineSocket: string; policy: Policy; limits: ProxyLimits; log: Log };

/**
 * Stands between the server and the Docker engine. A request is judged by policy, headers, body and by whom it names;
 * what passes is written anew, so that the engine never reads a byte of a head or a body that the server wrote.
 */
export const createProxy = ({ engineSocket, policy, limits, log }: ProxyOptions): http.Server => {
  const engine = connectEngine(engineSocket);
  const desk: Desk = { engine, policy, limits, ours: createOurs(engine) };

  const refuse = (request: IncomingMessage, response: ServerResponse, thrown: unknown) => {
    const { status, message: reason, cause } = asRefusal(thrown);
    const asked = shorten(`${request.method} ${request.url}`);
    log.warn({ asked, status, reason, ...(cause ? { cause: shorten(String(cause)) } : {}) }, 'not forwarded');
    sendRefusal(response, { status, message: reason });
  };
  const busy = new WeakSet<Socket>();
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    // No client here sends the next request before it has the answer: what does is out for confusion.
    if (busy.has(socket)) return void socket.destroy();
    busy.add(socket);
    response.once('close', () => busy.delete(socket));
    answerRequest(desk, request, response).catch((error) => refuse(request, response, error));
  };
  const hijack = (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    // Node promises no more than a Duplex, for servers that are not fed by sockets.
    const socket = stream as Socket;
    // Without a listener a connection that breaks would end the program.
    socket.on('error', () => socket.destroy());
    if (busy.has(socket)) return void socket.destroy();
    busy.add(socket);
    const response = responseOn(request, socket);
    answerHijack(desk, request, response, head).catch((error) => refuse(request, response, error));
  };

  const server = http.createServer({
    headersTimeout: limits.requestTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(limits.requestTimeoutMs, 5000),
    keepAliveTimeout: 30_000,
    maxHeaderSize: 16 << 10,
  });
  server.maxConnections = limits.connectionsMax;
  server.on('request', answer).on('checkContinue', answer).on('checkExpectation', answer);
  server.on('upgrade', hijack).on('connect', hijack);
  server.on('clientError', (error, socket) => {
    log.warn({ reason: error.message }, 'refused what is not HTTP');
    sendBadRequest(socket as Socket);
  });
  return server;
};

type Desk = { engine: Engine; policy: Policy; limits: ProxyLimits; ours: Ours };

const answerRequest = async (
  desk: Desk,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const permitted = desk.policy(request.method ?? '', request.url ?? '');
  checkHeaders(request, { upgrade: false });
  if (permitted.hijack) {
    throw new Refusal(403, 'An exec is started with «Connection: Upgrade» and «Upgrade: tcp» only.');
  }
  declaredBytes(request);
  const bytes = await readAll(request, bodyBytesMax);
  const { asked, signal } = await admit(desk, permitted, bytes, request, response);
  const answer = await desk.engine.request(asked, signal);
  const { creates } = permitted;
  if (!creates || answer.statusCode !== 201) return sendAnswer(answer, response);
  await sendCreated(answer, response, (id) => desk.ours.remember(creates, id));
};

const answerHijack = async (
  desk: Desk,
  request: IncomingMessage,
  response: ServerResponse,
  head: Buffer,
): Promise<void> => {
  const { socket } = request;
  const permitted = desk.policy(request.method ?? '', request.url ?? '');
  checkHeaders(request, { upgrade: true });
  if (!permitted.hijack) {
    throw new Refusal(403, 'Nothing but the start of an exec may take the connection over.');
  }
  socket.unshift(head);
  const received = AbortSignal.timeout(desk.limits.requestTimeoutMs);
  const bytes = await readExactly(socket, declaredBytes(request), received);
  const { asked, signal } = await admit(desk, permitted, bytes, request, response);
  const outcome = await desk.engine.upgrade(asked, signal);
  if (outcome.kind === 'answered') return sendAnswer(outcome.response, response);
  sendUpgraded(response, socket, outcome.contentType);
  joinSockets(socket, outcome.socket);
};

/** Checks body and name; gives back what the engine is asked for, and until when. */
const admit = async (
  { limits, ours }: Desk,
  { method, path, names, checkBody: check, waits }: Permitted,
  bytes: Buffer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<{ asked: EngineRequest; signal: AbortSignal }> => {
  const body = checkBody(request, bytes, check);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const inTime = AbortSignal.any([gone.signal, AbortSignal.timeout(limits.engineTimeoutMs)]);
  const signal = waits ? gone.signal : inTime;
  if (names) await ours.require(names.kind, names.id, inTime);
  return { asked: { method, path, body }, signal };
};
