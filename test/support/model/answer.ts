import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type Anthropic from '@anthropic-ai/sdk';
import { messageEvents, type StreamEvent } from './message-events.ts';
import { errorBody, errorType } from './refusal.ts';
import type { Fault } from './scenario.ts';

/** What a fault does to a reply that has begun. */
type Break = Extract<
  Fault,
  { cutAfterEvents: number } | { hangAfterEvents: number } | { errorEventAfter: number }
>;

export const sendJson = (
  res: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void => {
  res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};

export const sendFault = (
  res: ServerResponse,
  fault: Extract<Fault, { status: number }>,
  requestId: string,
): void => {
  const { status, headers = {}, body } = fault;
  if (typeof body === 'string') res.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(body);
  else
    sendJson(
      res,
      status,
      body ?? errorBody(errorType(status), `Fault ${status} of the scenario.`, requestId),
      headers,
    );
};

/** Without a stream the reply comes in one piece, so what breaks it leaves nothing of it. */
export const sendMessage = async (
  res: ServerResponse,
  message: Anthropic.Messages.Message,
  broken: Break | undefined,
  signal: AbortSignal,
): Promise<void> => {
  if (broken === undefined) sendJson(res, 200, message);
  else if ('cutAfterEvents' in broken) res.destroy();
  else if ('hangAfterEvents' in broken) await untilGone(signal);
  else sendJson(res, broken.type === 'overloaded_error' ? 529 : 500, errorBody(broken.type, inStream, null));
};

/** Streams the message, msPerEvent apart, up to the point where it breaks. Rejects when the client goes. */
export const streamMessage = async (
  res: ServerResponse,
  message: Anthropic.Messages.Message,
  broken: Break | undefined,
  msPerEvent: number,
  signal: AbortSignal,
): Promise<void> => {
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  res.flushHeaders();
  let sent = 0;
  for (const event of messageEvents(message)) {
    if (broken !== undefined && sent === breakPoint(broken)) break;
    if (msPerEvent > 0) await sleep(msPerEvent, undefined, { signal });
    await write(res, event.type, event);
    sent += 1;
  }
  if (broken === undefined) res.end();
  else if ('cutAfterEvents' in broken) res.destroy();
  else if ('hangAfterEvents' in broken) await untilGone(signal);
  else {
    await write(res, 'error', errorBody(broken.type, inStream, null));
    res.end();
  }
};

export const untilGone = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort');
};

const inStream = 'Fault of the scenario.';

const breakPoint = (broken: Break): number => {
  if ('cutAfterEvents' in broken) return broken.cutAfterEvents;
  return 'hangAfterEvents' in broken ? broken.hangAfterEvents : broken.errorEventAfter;
};

/** Resolves once the event has left the process, so that a cut comes after it, or the connection is gone. */
const write = (res: ServerResponse, name: string, data: StreamEvent | object): Promise<void> =>
  new Promise((resolve) => {
    res.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`, () => resolve());
  });
