import type Anthropic from '@anthropic-ai/sdk';

/** The body of a POST to /v1/messages, in the SDK's own words. */
export type MessagesRequest = Anthropic.Messages.MessageCreateParams;

/** A conversation that the model server can play. A server holds several and picks by the first user message. */
export type Scenario = {
  name: string;
  /** Looked for in the text of the first user message. The first scenario of the list that fits is played. */
  when: string | RegExp;
  turns: Turn[];
};

/** One reply of the model. Turn 0 answers a conversation without any assistant message, turn 1 one with one, … */
export type Turn = {
  reply: Block[] | ((request: MessagesRequest) => Block[]);
  /** Must match the text of the last tool results, else the server answers 400 and says what it saw. */
  expect?: RegExp;
  /** Each is used once in the life of the server, in order, before the real reply. */
  faults?: Fault[];
  /** Without it: `tool_use` when the reply calls a tool, else `end_turn`. */
  stopReason?: Anthropic.Messages.StopReason;
};

export type Block =
  | { type: 'thinking'; thinking: string }
  | { type: 'text'; text: string }
  | { type: 'tool_use'; name: string; input: Record<string, unknown> };

export type Fault =
  /** Answered instead of the reply. Without a body: Anthropic's error shape for that status. */
  | { status: number; headers?: Record<string, string>; body?: string | Record<string, unknown> }
  /** The connection is destroyed after n events of the stream (a ping counts). */
  | { cutAfterEvents: number }
  /** The stream goes silent after n events and stays open until the client goes. */
  | { hangAfterEvents: number }
  /** A 200 whose stream carries an error after n events. */
  | { errorEventAfter: number; type: string }
  /** No answer at all, not even headers, until the client goes. */
  | { hang: true }
  /** Waits, then goes on to the next fault or the reply within the same request. */
  | { delayMs: number };

/** Left out of the reply when the request has thinking disabled, emptied when it did not ask for `summarized`. */
export const think = (thinking: string): Block => ({ type: 'thinking', thinking });

export const say = (text: string): Block => ({ type: 'text', text });

export const call = (name: string, input: Record<string, unknown>): Block => ({
  type: 'tool_use',
  name,
  input,
});
