import { checkConversation, conversationOf, type Said } from './conversation.ts';
import { blocksOfRequest } from './prompt-cache.ts';
import { Refusal } from './refusal.ts';
import { type IssuedReplies, signatures } from './reply.ts';
import { parseRequest } from './request-shape.ts';
import type { MessagesRequest } from './scenario.ts';

const cacheBreakpointsMax = 4;

/** Returns the request with its conversation, or throws the Refusal that the real API would answer. */
export const checkRequest = (
  body: unknown,
  withBetas: boolean,
  issued: IssuedReplies,
): { request: MessagesRequest; said: Said[] } => {
  const request = parseRequest(body, withBetas);
  checkTools(request);
  checkThinkingBudget(request);
  checkCacheControl(request);
  const said = conversationOf(request);
  checkConversation(said);
  checkThinkingBlocks(said, issued, thinkingIsOn(request));
  return { request, said };
};

/** The newest models think unless they are told not to. */
const thinkingIsOn = (request: MessagesRequest): boolean => request.thinking?.type !== 'disabled';

const checkTools = ({ tools = [], tool_choice: choice, thinking }: MessagesRequest): void => {
  const names = tools.flatMap((tool) => ('name' in tool ? [tool.name] : []));
  if (new Set(names).size !== names.length) throw new Refusal(400, 'tools: Tool names must be unique.');
  if (choice !== undefined && names.length === 0) {
    throw new Refusal(400, 'tool_choice: tool_choice may only be specified while providing tools.');
  }
  if (choice?.type === 'tool' && !names.includes(choice.name)) {
    throw new Refusal(400, `tool_choice: Tool '${choice.name}' not found in provided tools`);
  }
  const forced = choice?.type === 'tool' || choice?.type === 'any';
  if (forced && thinking !== undefined && thinking.type !== 'disabled') {
    throw new Refusal(400, 'Thinking may not be enabled when tool_choice forces tool use.');
  }
};

const checkThinkingBudget = ({ thinking, max_tokens: maxTokens }: MessagesRequest): void => {
  if (thinking?.type === 'enabled' && thinking.budget_tokens >= maxTokens) {
    throw new Refusal(400, '`max_tokens` must be greater than `thinking.budget_tokens`.');
  }
};

const checkCacheControl = (request: MessagesRequest): void => {
  const marked = blocksOfRequest(request).filter((block) => block.marked).length;
  const found = marked + (request.cache_control ? 1 : 0);
  if (found > cacheBreakpointsMax) {
    const message = `A maximum of ${cacheBreakpointsMax} blocks with cache_control may be provided. Found ${found}.`;
    throw new Refusal(400, message);
  }
};

/**
 * Every thinking block that comes back must bear its own signature. In the latest assistant message none may be
 * missing either: the API wants the thinking that led to a tool call for as long as that call is being answered.
 */
const checkThinkingBlocks = (said: Said[], issued: IssuedReplies, on: boolean): void => {
  for (const { at, blocks } of said) {
    const bad = blocks.findIndex((block) => block.type === 'thinking' && !issued.isGenuine(block));
    if (bad >= 0)
      throw new Refusal(400, `messages.${at}.content.${bad}: Invalid \`signature\` in \`thinking\` block`);
  }
  const latest = said.findLast(({ role }) => role === 'assistant');
  const id = latest?.blocks.find((block) => block.type === 'tool_use')?.id;
  if (!on || latest === undefined || id === undefined) return;
  const sent = issued.signaturesOf(id);
  if (sent !== undefined && signatures(latest.blocks).join() !== sent.join()) {
    const rule = 'These blocks must remain as they were in the original response.';
    const message =
      '`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.';
    throw new Refusal(400, `messages.${latest.at}: ${message} ${rule}`);
  }
};
