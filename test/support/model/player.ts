import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendFault, sendMessage, streamMessage, untilGone } from './answer.ts';
import { checkRequest } from './check-request.ts';
import { type Cue, createFaults, findTurn, replyOf } from './play.ts';
import { createPromptCache } from './prompt-cache.ts';
import { buildMessage, createIssuedReplies } from './reply.ts';
import type { Fault, MessagesRequest, Scenario, Turn } from './scenario.ts';

export type RecordedRequest = {
  /** As it came, also when it was refused; undefined when it was no JSON. */
  body: MessagesRequest | undefined;
  /** Names only: the values hold the key. */
  headerNames: string[];
  keyWasRight: boolean;
  /** `scenario 'x', turn 0`, the same with the fault behind it, or `400: <message>`. Empty until it is known. */
  answer: string;
};

type Exchange = {
  record: RecordedRequest;
  withBetas: boolean;
  requestId: string;
  res: ServerResponse;
  /** Aborts when the client is gone. */
  signal: AbortSignal;
};

/** Answers one request from the scenarios; throws a Refusal for what the real API would refuse. */
export const createPlayer = (scenarios: Scenario[], msPerEvent: number) => {
  const faults = createFaults();
  const cache = createPromptCache();
  const issued = createIssuedReplies();
  let replies = 0;

  return async ({ record, withBetas, requestId, res, signal }: Exchange): Promise<void> => {
    const { request, said } = checkRequest(record.body, withBetas, issued);
    const cue = findTurn(scenarios, said);
    const blocks = replyOf(cue, request);
    const fault = await nextFault(cue.turn, signal);
    record.answer = describe(cue, fault);
    if (fault !== undefined && 'status' in fault) return sendFault(res, fault, requestId);
    if (fault !== undefined && 'hang' in fault) return untilGone(signal);

    replies += 1;
    const message = buildMessage(cue.turn, blocks, request, cache.usageOf(request), replies);
    issued.remember(message);
    if (request.stream) await streamMessage(res, message, fault, msPerEvent, signal);
    else await sendMessage(res, message, fault, signal);
  };

  async function nextFault(turn: Turn, signal: AbortSignal): Promise<AtOnce | undefined> {
    for (;;) {
      const fault = faults.next(turn);
      if (fault === undefined || !('delayMs' in fault)) return fault;
      await sleep(fault.delayMs, undefined, { signal });
    }
  }
};

type AtOnce = Exclude<Fault, { delayMs: number }>;

const describe = ({ at }: Cue, fault: AtOnce | undefined): string =>
  fault === undefined ? at : `${at}, fault ${JSON.stringify(fault)}`;
