import { z } from 'zod';
import { checkMoments, checkStatuses, checksSources, checkVerdicts } from './checks/evidence.ts';
import { errorCodes } from './errors.ts';

/**
 * Every fact about a job that anybody can see. The zod union below is the one source of the TypeScript types, the
 * wire format (each event is one `data:` line of JSON) and the documentation; add an event by adding a member.
 */

const count = z.number().int().nonnegative();
const ms = count.describe('milliseconds');
const callId = z.string().describe('the model’s id of the tool call');
const error = z.string().optional().describe('present when the call failed: what the model was told');

const checkMoment = z
  .enum(checkMoments)
  .describe(
    '`before`: at the base commit; `after`: with the changeset; `after_with_base_files`: with the changeset, but what defines the checks as in the base',
  );
const sandboxUse = z
  .enum(['agent', 'before', 'after'])
  .describe('whose sandbox it is: the agent’s or that of checks');

const usageSchema = z.object({
  turns: count,
  inputTokens: count.describe('all input tokens, cache reads and writes included'),
  outputTokens: count,
  cacheReadTokens: count,
  cacheWriteTokens: count,
  costUsd: z
    .union([z.number().nonnegative(), z.literal('unknown')])
    .describe('US dollars, cache reads and writes included; `unknown` when a model’s price is'),
});

const leftOut = z.array(z.object({ path: z.string(), reason: z.string() }));
const saved = z
  .object({ branch: z.string().optional(), commit: z.string().optional(), prUrl: z.string().optional() })
  .describe('what outlives the job; empty when nothing does');

const egressDenied = z
  .object({
    total: count.describe('refusals in all'),
    hosts: z.array(
      z.object({ host: z.string(), port: z.number().int().nullable(), reason: z.string(), count }),
    ),
  })
  .describe('what the sandbox was refused on its way out; the first 20 different ones');

const ends = { usage: usageSchema, saved, egressDenied, durationMs: ms, traceUrl: z.string().optional() };

export const jobEventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('Job: Queued'),
    jobId: z.string(),
    url: z.string().describe('where the job can be asked for'),
    repoUrl: z.string(),
    prompt: z.string(),
  }),
  z.object({ type: z.literal('Job: Started'), jobId: z.string(), traceUrl: z.string().optional() }),
  z
    .object({ type: z.literal('Job: Waiting'), place: count.describe('1 is the next to begin') })
    .describe('other jobs come first'),
  z
    .object({
      type: z.literal('Job: Resumed'),
      reason: z.enum(['handed_over', 'server_died']),
      claim: count.describe('how often the job was taken up, this time included'),
    })
    .describe('a server goes on with the job where another one, or its own former process, has left it'),
  z
    .object({ type: z.literal('Sandbox: Kept'), sandbox: z.string() })
    .describe('the job goes on in the sandbox that it had, with all that is in it'),
  z.object({
    type: z.literal('Sandbox: Starting'),
    image: z.string().describe('by its name in SANDBOX_IMAGES'),
  }),
  z.object({
    type: z.literal('Sandbox: Ready'),
    runtime: z.string(),
    kernel: z.string().describe('what answers `uname -r` inside: gVisor’s kernel, not the host’s'),
    gvisor: z.boolean().describe('false only where the server is set to run without gVisor'),
    warm: z.boolean().describe('whether it was started ahead of the job'),
    sandbox: z.string().describe('the first 12 digits of the container’s id'),
    ms,
  }),
  z
    .object({
      type: z.literal('Sandbox: Lost'),
      reason: z.string(),
      loss: count.describe('the first loss of the job is 1'),
      files: count.describe('changed files in the last checkpoint, which the next sandbox begins with'),
      deletions: count.describe('deletions in the last checkpoint'),
    })
    .describe('the job goes on in another sandbox, unless this was one loss too many'),
  z.object({
    type: z.literal('Git: Clone'),
    phase: z.string().describe('git’s own word for what it does; `done` at the end'),
    percent: z.number().min(0).max(100).optional(),
    bytes: count.optional().describe('bytes received from GitHub so far'),
    commit: z.string().optional(),
    branch: z.string().optional(),
    ms: ms.optional(),
  }),
  z
    .object({
      type: z.literal('Repository: Explored'),
      files: count.describe('in the base commit'),
      languages: z.array(z.object({ name: z.string(), files: count })),
      manifests: z.array(z.string()),
      instructions: z
        .array(z.string())
        .describe('files in which the repository tells agents and people how to work'),
      setup: z.array(z.string()),
      checks: z.array(z.string()).describe('what the server will run before and after, itself'),
      checksFrom: z.enum(checksSources),
      image: z.string().describe('the sandbox image by its name in SANDBOX_IMAGES'),
      notes: z.array(z.string()).describe('what could not be used, and why'),
    })
    .describe('what the base commit says of itself, read by the server before the model is asked'),
  z.object({ type: z.literal('Setup: Started'), command: z.string(), sandbox: sandboxUse }),
  z.object({
    type: z.literal('Setup: Finished'),
    command: z.string(),
    sandbox: sandboxUse,
    exitCode: z.number().int().nullable(),
    durationMs: ms,
    output: z.string().describe('its end'),
    cached: z.boolean().describe('whether the result of an earlier job with the same lockfiles was taken'),
  }),
  z.object({ type: z.literal('Check: Started'), command: z.string(), when: checkMoment }),
  z
    .object({
      type: z.literal('Check: Finished'),
      command: z.string(),
      when: checkMoment,
      status: z.enum(checkStatuses),
      exitCode: z.number().int().nullable(),
      durationMs: ms,
      output: z.string().describe('its end'),
      reason: z.string().optional().describe('why it could not run'),
    })
    .describe('run by the server in a fresh sandbox, in which the agent has never been'),
  z
    .object({
      type: z.literal('Model: Retry'),
      attempt: count.describe('that has failed, from 1'),
      waitMs: ms,
      error: z.string(),
    })
    .describe('the model’s API did not answer as it should, and is asked again'),
  z
    .object({
      type: z.literal('Context: Compacted'),
      how: z.enum(['results_cleared', 'summarized']),
      tokensBefore: count.describe('input tokens of the last request'),
      resultsCleared: count.describe('tool results that the model no longer sees'),
      summary: z.string().optional(),
    })
    .describe('what the model is sent became shorter; the stored transcript stays whole'),
  z
    .object({
      type: z.literal('Agent: Nudged'),
      reason: z.enum(['repetition', 'no_effect', 'repeated_errors', 'limit_near', 'checks_broken']),
      message: z.string().describe('what the model was told'),
    })
    .describe('the server told the model something that it did not ask for'),
  z.object({ type: z.literal('AI Thinking'), message: z.string() }),
  z.object({
    type: z.literal('AI Plan'),
    steps: z.array(z.object({ title: z.string(), state: z.enum(['pending', 'active', 'done']) })),
    callId,
    error,
  }),
  z.object({ type: z.literal('AI Message'), message: z.string() }),
  z.object({
    type: z.literal('Tool: Read'),
    filepath: z.string(),
    lines: count.describe('how many lines the model was given'),
    callId,
    error,
  }),
  z.object({
    type: z.literal('Tool: List'),
    path: z.string(),
    glob: z.string().optional(),
    files: count,
    callId,
    error,
  }),
  z.object({
    type: z.literal('Tool: Search'),
    pattern: z.string(),
    path: z.string().optional(),
    matches: count,
    callId,
    error,
  }),
  z.object({
    type: z.literal('Tool: Edit'),
    filepath: z.string(),
    old_str: z.string(),
    new_str: z.string(),
    replace_all: z.boolean().optional().describe('every occurrence, not the only one'),
    callId,
    error,
  }),
  z.object({ type: z.literal('Tool: Write'), filepath: z.string(), lines: count, callId, error }),
  z
    .object({ type: z.literal('Tool: Output'), output: z.string(), callId })
    .describe('what a command prints while it runs, as far as it is told; `Tool: Bash` has its whole output'),
  z.object({
    type: z.literal('Tool: Bash'),
    command: z.string(),
    output: z.string(),
    exitCode: z.number().int().nullable().describe('null when the command was killed'),
    durationMs: ms,
    callId,
    error,
  }),
  z.object({
    type: z.literal('Tool: Refused'),
    tool: z.string(),
    error: z.string().describe('why a call that no tool could take was refused'),
    callId,
  }),
  z
    .object({
      type: z.literal('Egress: Denied'),
      host: z.string().describe('as asked for; what cannot stand in a host name is shown as `?`'),
      port: z.number().int().nullable().describe('null when what was asked for names none'),
      reason: z.string(),
      howToAllow: z.string(),
    })
    .describe('something inside wanted out and was refused; the same refusal is told once in a job'),
  z.object({
    type: z.literal('Git: Branch'),
    branch: z.string(),
    base: z.string().describe('base commit id'),
  }),
  z.object({
    type: z.literal('Git: Commit'),
    sha: z.string(),
    message: z.string(),
    files: z.array(z.object({ path: z.string(), status: z.enum(['added', 'modified', 'deleted']) })),
    leftOut,
  }),
  z.object({ type: z.literal('Git: Push'), branch: z.string(), sha: z.string(), ms }),
  z.object({
    type: z.literal('PR: Created'),
    url: z.string(),
    number: count,
    title: z.string(),
    draft: z.boolean(),
  }),
  z
    .object({ type: z.literal('Stream: Gap'), from: count, to: count })
    .describe(
      'events that are not kept any more, by the numbers of the first and the last; never stored itself',
    ),
  z.object({
    type: z.literal('Result'),
    status: z
      .enum(['succeeded', 'incomplete', 'cancelled', 'nothing_to_change'])
      .describe('`incomplete`: a limit ended the work, and a draft shows what there is'),
    prUrl: z.string().nullable(),
    summary: z.string(),
    filesChanged: count,
    additions: count.nullable().describe('lines, as GitHub counts them; null without a pull request'),
    deletions: count.nullable(),
    leftOut,
    checks: z
      .array(z.object({ command: z.string(), verdict: z.enum(checkVerdicts) }))
      .describe('what became of the repository’s checks, run by the server'),
    ...ends,
  }),
  z.object({
    type: z.literal('Error'),
    code: z.enum(errorCodes),
    message: z.string(),
    whatToDo: z.string(),
    ...ends,
  }),
]);

/** Names that later features will use: nobody may give them another meaning. */
export const reservedEventTypes = ['Preflight'] as const;

/** What happened. */
export type JobFact = z.infer<typeof jobEventSchema>;

/** What happened, numbered within its job from 1 and stored; `at` is ISO 8601 in UTC. */
export type JobEvent = JobFact & { id: number; at: string };

/** Tells a fact: it is stored when the promise resolves. */
export type Emit = (fact: JobFact) => Promise<void>;

export type Usage = z.infer<typeof usageSchema>;
export type LeftOut = z.infer<typeof leftOut>[number];
export type Saved = z.infer<typeof saved>;
export type EgressDenied = z.infer<typeof egressDenied>;

export const noUsage: Usage = {
  turns: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  costUsd: 0,
};

/** With one more turn, of which the model has told what it took. */
export const plusTurn = (sum: Usage, turn: Omit<Usage, 'turns'>): Usage => ({
  ...plusCall(sum, turn),
  turns: sum.turns + 1,
});

/** With one more call of the model that was no turn of the job. */
export const plusCall = <Sum extends Omit<Usage, 'turns'>>(sum: Sum, call: Omit<Usage, 'turns'>): Sum => ({
  ...sum,
  inputTokens: sum.inputTokens + call.inputTokens,
  outputTokens: sum.outputTokens + call.outputTokens,
  cacheReadTokens: sum.cacheReadTokens + call.cacheReadTokens,
  cacheWriteTokens: sum.cacheWriteTokens + call.cacheWriteTokens,
  costUsd: plusCost(sum.costUsd, call.costUsd),
});

/** What is partly unknown is unknown. Entries from before costs were counted have none. */
const plusCost = (sum: Usage['costUsd'], turn: Usage['costUsd'] | undefined): Usage['costUsd'] =>
  typeof sum === 'number' && typeof turn === 'number' ? sum + turn : 'unknown';

/** After a terminal event the stream ends and the job never changes again. */
export const isTerminal = (fact: JobFact): boolean => fact.type === 'Result' || fact.type === 'Error';
