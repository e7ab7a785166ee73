import type { Model, ModelDelta, ModelReply, ModelRequest, ReplyBlock } from '../../server/domain/model.ts';

type Reply = Partial<ModelReply> & Pick<ModelReply, 'content'>;
type Turn = Reply | ((onDelta: (delta: ModelDelta) => void, signal: AbortSignal) => Promise<Reply>);

/** The Model port without a wire: says its turns one after another, in deltas of a few characters. */
export const createScriptedModel = (turns: readonly Turn[]): Model & { requests: ModelRequest[] } => {
  const requests: ModelRequest[] = [];
  return {
    name: 'scripted',
    hasPrice: false,
    requests,
    reply: async (request, onDelta, signal) => {
      const turn = turns[requests.length];
      requests.push(structuredClone(request));
      if (turn === undefined) throw new Error(`The script has only ${turns.length} turns.`);
      if (typeof turn === 'function') return completed(await turn(onDelta, signal));
      speak(turn.content, onDelta);
      return completed(turn);
    },
  };
};

export const speak = (content: readonly ReplyBlock[], onDelta: (delta: ModelDelta) => void): void => {
  for (const block of content) {
    if (block.type === 'text') stream('text', block.text, onDelta);
    if (block.type === 'thinking') stream('thinking', block.thinking, onDelta);
    onDelta({ type: 'block_end' });
  }
};

export const stream = (
  type: 'text' | 'thinking',
  text: string,
  onDelta: (delta: ModelDelta) => void,
): void => {
  for (let at = 0; at < text.length; at += 7) onDelta({ type, text: text.slice(at, at + 7) });
};

export const text = (words: string): ReplyBlock => ({ type: 'text', text: words });

export const thinking = (words: string): ReplyBlock => ({
  type: 'thinking',
  thinking: words,
  signature: 'signed',
});

export const call = (id: string, name: string, input: unknown): ReplyBlock => ({
  type: 'tool_use',
  id,
  name,
  input,
});

/** Every turn costs 100 input tokens, of which 60 were in the cache and 10 go into it, and 20 output tokens. */
const completed = (reply: Reply): ModelReply => ({
  stopReason: reply.content.some((block) => block.type === 'tool_use') ? 'tool_use' : 'end_turn',
  usage: {
    inputTokens: 100,
    outputTokens: 20,
    cacheReadTokens: 60,
    cacheWriteTokens: 10,
    costUsd: 'unknown' as const,
  },
  ...reply,
});
