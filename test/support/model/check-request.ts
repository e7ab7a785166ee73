import { checkConversation, conversationOf, type Said } from './conversation.ts';
import { blocksOfRequest, promptHashes } from './prompt-cache.ts';
import { Refusal } from './refusal.ts';
import { type IssuedReplies, isGenuine, isSigned, thinkingIn } from './reply.ts';
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
  checkThinkingBlocks(request, said, issued);
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
 * Every thinking block that comes back must bear its own signature, and stand behind what it was said behind. In the
 * latest assistant message none may be missing either: the API wants the thinking that led to a tool call for as long as
 * that call is being answered, where it still can be used.
 */
const checkThinkingBlocks = (request: MessagesRequest, said: Said[], issued: IssuedReplies): void => {
  const { before } = promptHashes(request);
  for (const { at, blocks } of said) {
    const bad = blocks.findIndex((block) => block.type === 'thinking' && !isGenuine(block, before(at)));
    const block = blocks[bad];
    if (block?.type !== 'thinking') continue;
    const bound = isSigned(block) ? ' The block is bound to a different conversation. Remove the block.' : '';
    throw new Refusal(
      400,
      `messages.${at}.content.${bad}: Invalid \`signature\` in \`thinking\` block.${bound}`,
    );
  }
  const latest = said.findLast(({ role }) => role === 'assistant');
  const id = latest?.blocks.find((block) => block.type === 'tool_use')?.id;
  if (!thinkingIsOn(request) || latest === undefined || id === undefined) return;
  const usable = issued.thinkingOf(id)?.filter((block) => isGenuine(block, before(latest.at)));
  if (usable !== undefined && signatures(latest.blocks) !== signatures(usable)) {
    const rule = 'These blocks must remain as they were in the original response.';
    const message =
      '`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.';
    throw new Refusal(400, `messages.${latest.at}: ${message} ${rule}`);
  }
};

const signatures = (blocks: Parameters<typeof thinkingIn>[0]): string =>
  thinkingIn(blocks)
    .map(({ signature }) => signature)
    .join();
