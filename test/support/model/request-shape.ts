import type Anthropic from '@anthropic-ai/sdk';
import { z } from 'zod';
import { Refusal } from './refusal.ts';
import type { MessagesRequest } from './scenario.ts';

/**
 * Checks field by field what the real API checks: unknown fields are refused at every level, as there.
 * Of the content blocks only those that a coding agent sends are known.
 */
export const parseRequest = (body: unknown, withBetas: boolean): MessagesRequest => {
  const result = (withBetas ? betaRequest : request).safeParse(body);
  if (!result.success) throw new Refusal(400, complaint(result.error.issues));
  return result.data as MessagesRequest;
};

const complaint = (issues: z.core.$ZodIssue[]): string => {
  const issue = issues[0];
  if (issue === undefined) return 'Invalid request.';
  const at = (...more: string[]) => [...issue.path, ...more].join('.') || 'body';
  if (issue.code === 'unrecognized_keys')
    return `${at(...issue.keys.slice(0, 1))}: Extra inputs are not permitted`;
  if (issue.code === 'invalid_type' && issue.input === undefined) return `${at()}: Field required`;
  return `${at()}: ${issue.message}`;
};

const cacheControl = z
  .strictObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() })
  .nullish();

const text = z.strictObject({
  type: z.literal('text'),
  text: z.string().min(1, 'text content blocks must be non-empty'),
  cache_control: cacheControl,
  citations: z.array(z.unknown()).nullish(),
});

const image = z.strictObject({
  type: z.literal('image'),
  source: z.looseObject({ type: z.string() }),
  cache_control: cacheControl,
});

// A thinking block takes no cache_control: the API refuses it there.
const thinkingBlock = z.strictObject({
  type: z.literal('thinking'),
  thinking: z.string(),
  signature: z.string(),
});

const toolUse = z.strictObject({
  type: z.literal('tool_use'),
  id: z.string().regex(/^[a-zA-Z0-9_-]+$/),
  name: z.string().min(1),
  input: z.record(z.string(), z.unknown()),
  cache_control: cacheControl,
  caller: z.looseObject({ type: z.string() }).optional(),
  toolset_name: z.string().nullish(),
});

const toolResult = z
  .strictObject({
    type: z.literal('tool_result'),
    tool_use_id: z.string(),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [text, image]))]).optional(),
    is_error: z.boolean().optional(),
    cache_control: cacheControl,
    toolset_name: z.string().nullish(),
  })
  .refine((block) => !block.is_error || (block.content ?? '').length > 0, {
    message: 'content cannot be empty if `is_error` is true',
  });

const userContent = z.union([
  z.string().min(1),
  z.array(z.discriminatedUnion('type', [text, image, toolResult])),
]);
const assistantContent = z.union([
  z.string().min(1),
  z.array(z.discriminatedUnion('type', [text, thinkingBlock, toolUse])).min(1),
]);

const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('user'), content: userContent }),
  z.strictObject({ role: z.literal('assistant'), content: assistantContent }),
  z.strictObject({ role: z.literal('system'), content: z.union([z.string(), z.array(text)]) }),
]);

const toolName = z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/);

const customTool = z.strictObject({
  name: toolName,
  type: z.literal('custom').nullish(),
  description: z.string().optional(),
  input_schema: z.looseObject({ type: z.literal('object') }),
  allowed_callers: z.array(z.string()).optional(),
  cache_control: cacheControl,
  defer_loading: z.boolean().optional(),
  eager_input_streaming: z.boolean().nullish(),
  input_examples: z.array(z.record(z.string(), z.unknown())).optional(),
  strict: z.boolean().optional(),
});

/** Anthropic's own tools (`bash_20250124`, …) are told apart by their dated type. */
const builtInTool = z.looseObject({
  name: toolName,
  type: z.string().regex(/_\d{8}$/),
  cache_control: cacheControl,
});

const thinking = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('adaptive'), display: z.enum(['summarized', 'omitted']).nullish() }),
  z.strictObject({
    type: z.literal('enabled'),
    budget_tokens: z.int().min(1024),
    display: z.enum(['summarized', 'omitted']).nullish(),
  }),
  z.strictObject({ type: z.literal('between_tools') }),
  z.strictObject({ type: z.literal('disabled') }),
]);

/** Those parameters of the SDK that it sends as headers, not in the body. */
type HeaderParam = 'betas' | 'user_profile_id' | 'workspace_id';

const shape = {
  model: z.string().min(1),
  max_tokens: z.int().min(1),
  messages: z.array(message).min(1, 'at least one message is required').max(100_000),
  cache_control: cacheControl,
  container: z.unknown().optional(),
  diagnostics: z.unknown().optional(),
  inference_geo: z.string().nullish(),
  metadata: z.strictObject({ user_id: z.string().nullish() }).optional(),
  output_config: z
    .strictObject({
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      format: z.looseObject({ type: z.literal('json_schema') }).nullish(),
    })
    .optional(),
  service_tier: z.enum(['auto', 'standard_only']).optional(),
  speed: z.enum(['standard', 'fast']).nullish(),
  stop_sequences: z.array(z.string()).optional(),
  stream: z.boolean().optional(),
  system: z.union([z.string(), z.array(text)]).optional(),
  thinking: thinking.optional(),
  tool_choice: z.looseObject({ type: z.enum(['auto', 'any', 'tool', 'none']) }).optional(),
  tools: z.array(z.union([customTool, builtInTool])).optional(),
} satisfies Record<Exclude<keyof MessagesRequest, HeaderParam>, z.ZodType>;

const betaShape = {
  billing_policy: z.unknown().optional(),
  compaction: z.unknown().optional(),
  context_management: z.unknown().optional(),
  fallback_credit_token: z.unknown().optional(),
  fallbacks: z.unknown().optional(),
  mcp_servers: z.unknown().optional(),
  output_format: z.unknown().optional(),
  thread: z.unknown().optional(),
} satisfies Record<
  Exclude<keyof Anthropic.Beta.MessageCreateParams, keyof MessagesRequest | HeaderParam>,
  z.ZodType
>;

const request = z.strictObject(shape);
const betaRequest = z.strictObject({ ...shape, ...betaShape });
