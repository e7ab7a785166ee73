import type Anthropic from '@anthropic-ai/sdk';
import { Refusal } from './refusal.ts';
import type { MessagesRequest } from './scenario.ts';

type ContentBlock = Anthropic.Messages.ContentBlockParam;

/** Consecutive messages of one role count as one, as in the real API. `at` is the index of the first of them. */
export type Said = { role: 'user' | 'assistant'; at: number; blocks: ContentBlock[] };

export const conversationOf = (request: MessagesRequest): Said[] => {
  const said: Said[] = [];
  for (const [at, message] of request.messages.entries()) {
    if (message.role === 'system') continue;
    const blocks = blocksOf(message.content);
    const last = said.at(-1);
    if (last?.role === message.role) last.blocks.push(...blocks);
    else said.push({ role: message.role, at, blocks: [...blocks] });
  }
  return said;
};

/** Checks what holds between the messages: roles, tool calls and their results. */
export const checkConversation = (said: Said[]): void => {
  if (said[0]?.role !== 'user') throw new Refusal(400, 'messages: first message must use the "user" role');
  if (said.at(-1)?.role === 'assistant') {
    const message =
      'This model does not support assistant message prefill. The conversation must end with a user message.';
    throw new Refusal(400, message);
  }
  const seen = new Set<string>();
  for (const [index, { role, at, blocks }] of said.entries()) {
    if (blocks.length === 0)
      throw new Refusal(400, `messages.${at}: all messages must have non-empty content`);
    if (role !== 'user') continue;
    const calls = index === 0 ? [] : toolCallIds(said[index - 1]);
    for (const id of calls) {
      if (seen.has(id)) throw new Refusal(400, `messages.${at - 1}: \`tool_use\` ids must be unique`);
      seen.add(id);
    }
    checkToolResults(at, calls, blocks);
  }
};

/** Everything that the last user message says in tool results, for a turn's `expect`. */
export const lastToolResultsText = (said: Said[]): string =>
  (said.at(-1)?.blocks ?? [])
    .flatMap((block) => (block.type === 'tool_result' ? blocksOf(block.content ?? []) : []))
    .map((block) => (block.type === 'text' ? block.text : `[${block.type}]`))
    .join('\n');

export const firstUserText = (said: Said[]): string =>
  (said[0]?.blocks ?? []).map((block) => (block.type === 'text' ? block.text : '')).join('\n');

const checkToolResults = (at: number, calls: string[], blocks: ContentBlock[]): void => {
  const results = blocks.flatMap((block) => (block.type === 'tool_result' ? [block.tool_use_id] : []));
  const stray = results.find((id) => !calls.includes(id));
  if (stray !== undefined) {
    const rule =
      'Each `tool_result` block must have a corresponding `tool_use` block in the previous message.';
    throw new Refusal(
      400,
      `messages.${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. ${rule}`,
    );
  }
  const twice = results.find((id, index) => results.indexOf(id) !== index);
  if (twice !== undefined) {
    throw new Refusal(
      400,
      `messages.${at}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${twice}`,
    );
  }
  // The results must come first in the message; what stands before them would separate them from their calls.
  const immediate = blocks.slice(0, results.length).every((block) => block.type === 'tool_result');
  const missing = immediate ? calls.filter((id) => !results.includes(id)) : calls;
  if (missing.length > 0) {
    const rule = 'Each `tool_use` block must have a corresponding `tool_result` block in the next message.';
    const found = `\`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing.join(', ')}`;
    throw new Refusal(400, `messages.${at - 1}: ${found}. ${rule}`);
  }
};

const toolCallIds = (said: Said | undefined): string[] =>
  (said?.blocks ?? []).flatMap((block) => (block.type === 'tool_use' ? [block.id] : []));

const blocksOf = <Block>(content: string | Block[]): (Block | Anthropic.Messages.TextBlockParam)[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : content;
