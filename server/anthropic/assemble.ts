import Anthropic from '@anthropic-ai/sdk';
import type { ModelDelta, ReplyBlock } from '../domain/model.ts';
import type { StreamEvent, StreamUsage } from './stream-event.ts';

/** A reply as it came, before it is judged. */
export type RawReply = {
  content: ReplyBlock[];
  stopReason: string | undefined;
  usage: NonNullable<StreamUsage>;
};

/** Puts a streamed reply together, and tells its pieces on the way. */
export type Assembly = {
  take(event: StreamEvent): void;
  isComplete(): boolean;
  /** What the API has counted so far. */
  readonly usage: RawReply['usage'];
  /** Throws AnthropicError when the reply did not come to its end. */
  reply(): RawReply;
};

export const createAssembly = (onDelta: (delta: ModelDelta) => void): Assembly => {
  const drafts: Draft[] = [];
  const byIndex = new Map<number, Draft>();
  const usage: NonNullable<StreamUsage> = {};
  let open: Draft | undefined;
  let stopReason: string | undefined;
  let hasStopped = false;

  const end = () => {
    if (open !== undefined) onDelta({ type: 'block_end' });
    open = undefined;
  };
  const begin = (index: number, block: Draft['block']) => {
    // Not every endpoint says where a block ends.
    end();
    open = { block, json: '' };
    drafts.push(open);
    byIndex.set(index, open);
    if (block?.type === 'text' && block.text) onDelta({ type: 'text', text: block.text });
    if (block?.type === 'thinking' && block.thinking) onDelta({ type: 'thinking', text: block.thinking });
  };

  return {
    take(event) {
      switch (event.type) {
        case 'message_start':
          count(usage, event.message.usage);
          return;
        case 'content_block_start':
          begin(event.index, event.content_block);
          return;
        case 'content_block_delta':
          if (event.delta !== undefined) extend(byIndex.get(event.index), event.delta, onDelta);
          return;
        case 'content_block_stop':
          if (byIndex.get(event.index) === open) end();
          return;
        case 'message_delta':
          count(usage, event.usage);
          stopReason = event.delta.stop_reason ?? stopReason;
          return;
        case 'message_stop':
          hasStopped = true;
      }
    },
    isComplete: () => hasStopped,
    usage,
    reply() {
      if (!hasStopped && stopReason === undefined) {
        throw new Anthropic.AnthropicError('the reply broke off before its end');
      }
      end();
      return { content: drafts.flatMap(toBlock), stopReason, usage };
    },
  };
};

type BlockStart = Extract<StreamEvent, { type: 'content_block_start' }>['content_block'];
type Delta = NonNullable<Extract<StreamEvent, { type: 'content_block_delta' }>['delta']>;

/** What a block began with and was extended to; a tool's input comes as text. */
type Draft = { block: BlockStart; json: string };

/** A delta that does not fit its block, as some endpoints send them empty, says nothing. */
const extend = (draft: Draft | undefined, delta: Delta, onDelta: (delta: ModelDelta) => void): void => {
  const block = draft?.block;
  if (delta.type === 'text_delta' && block?.type === 'text') {
    block.text = `${block.text ?? ''}${delta.text}`;
    onDelta({ type: 'text', text: delta.text });
  }
  if (delta.type === 'thinking_delta' && block?.type === 'thinking') {
    block.thinking = `${block.thinking ?? ''}${delta.thinking}`;
    onDelta({ type: 'thinking', text: delta.thinking });
  }
  if (delta.type === 'signature_delta' && block?.type === 'thinking') block.signature = delta.signature;
  if (delta.type === 'input_json_delta' && draft) draft.json += delta.partial_json;
};

const toBlock = ({ block, json }: Draft): ReplyBlock[] => {
  switch (block?.type) {
    case 'text':
      return [{ type: 'text', text: block.text ?? '' }];
    case 'thinking':
      return [{ type: 'thinking', thinking: block.thinking ?? '', signature: block.signature ?? '' }];
    case 'redacted_thinking':
      return [block];
    case 'tool_use':
      return [{ type: 'tool_use', id: block.id, name: block.name, input: inputOf(json, block.input) }];
    case undefined:
      return [];
  }
};

/** An input that is no JSON, as when a limit has cut it, stays text: the tool says that this does not fit. */
const inputOf = (json: string, atStart: unknown): unknown => {
  if (json.trim() === '') return atStart ?? {};
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
};

/** The counters are totals of the whole reply: one that comes again, or as 0, takes nothing back. */
const count = (sum: NonNullable<StreamUsage>, more: StreamUsage): void => {
  for (const [name, tokens] of Object.entries(more ?? {})) {
    const key = name as keyof typeof sum;
    if (typeof tokens === 'number') sum[key] = Math.max(sum[key] ?? 0, tokens);
  }
};
