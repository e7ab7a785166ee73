import type { Usage } from './job-event.ts';

/** What the model says in one reply. `thinking` goes back unchanged, signature included. */
export type ReplyBlock =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'redacted_thinking'; data: string }
  | { type: 'tool_use'; id: string; name: string; input: unknown };

export type ToolResult = { type: 'tool_result'; toolUseId: string; content: string; isError: boolean };

/** All turns of a job, oldest first: what the model is asked with. */
export type Transcript = readonly Message[];
export type Message =
  | { role: 'user'; content: readonly (ToolResult | { type: 'text'; text: string })[] }
  | { role: 'assistant'; content: readonly ReplyBlock[] };

export type ToolDefinition = {
  name: string;
  description: string;
  /** JSON Schema of an object. */
  inputSchema: Record<string, unknown>;
};

export type ModelRequest = {
  system: string;
  tools: readonly ToolDefinition[];
  transcript: Transcript;
};

export type ModelReply = {
  content: readonly ReplyBlock[];
  /** `context_full`: the request, or the reply with it, is longer than the model can take; then there may be no content. */
  stopReason: 'end_turn' | 'tool_use' | 'max_tokens' | 'pause_turn' | 'refusal' | 'context_full' | 'other';
  /** With that of the attempts that had failed before, as far as it was counted. */
  usage: Omit<Usage, 'turns'>;
  /** That of the reply alone, where attempts before it had used something. */
  usageAlone?: Omit<Usage, 'turns'>;
};

/**
 * A piece of a reply while it is being written. `restart` says that the attempt broke off and the reply begins anew:
 * the receiver drops its unfinished piece; blocks that had ended were really said, only the reply returned counts.
 * `retry` says that an attempt has failed, the first being 1, and that the next one comes in `waitMs`.
 * `spent` comes last when there will be no reply: what its attempts have used, as far as it was counted.
 */
export type ModelDelta =
  | { type: 'text' | 'thinking'; text: string }
  | { type: 'block_end' }
  | { type: 'restart' }
  | { type: 'retry'; attempt: number; waitMs: number; error: string }
  | { type: 'spent'; usage: ModelReply['usage'] };

/** The model behind its wire. Throws AppError: `model_credentials`, `model_spend_limit`, `model_failed`. */
export type Model = {
  name: string;
  /** Whether its price is known: without it the cost of a reply is `unknown`, and no limit in money can be kept. */
  hasPrice: boolean;
  reply(
    request: ModelRequest,
    onDelta: (delta: ModelDelta) => void,
    signal: AbortSignal,
  ): Promise<ModelReply>;
};
