import type { ErrorCode } from '../domain/errors.ts';
import { type JobFact, noUsage, type Usage } from '../domain/job-event.ts';
import type { ModelReply, ToolResult } from '../domain/model.ts';
import type { NoteTopic } from '../domain/transcript.ts';
import type { AgentLimits } from './limits.ts';
import { judgeProgress, type PastCall, type PastTurn, pastTurn } from './stuck.ts';

/** Why the agent was ended before it was done. */
export type Incomplete = {
  code: Extract<ErrorCode, 'turn_limit' | 'token_limit' | 'cost_limit' | 'time_limit' | 'agent_stuck'>;
  message: string;
};

type Nudge = { about: NoteTopic; text: string; fact: Extract<JobFact, { type: 'Agent: Nudged' }> };

/**
 * Holds the agent to its limits, and sees when it does not get on. It is told what is in the transcript; apart from that
 * only the clock counts, and what the clock brought the model to hear is in the transcript, too.
 */
export type Bounds = {
  /** A turn is over; `usage` is the sum of all. */
  add(reply: Pick<ModelReply, 'content'>, results: readonly ToolResult[], usage: Usage): void;
  /** The model was told something behind the last turn. */
  noted(about: NoteTopic | undefined): void;
  /** Why there is no further turn. */
  end(): Incomplete | undefined;
  /** What the model is to be told before its next turn. */
  nudges(): Nudge[];
  /** Aborts when a reply would come too late. */
  timeIsUp(): AbortSignal;
  /** Whether the model was told to come to an end. */
  readonly wrappingUp: boolean;
};

export const createBounds = (limits: AgentLimits): Bounds => {
  const turns: PastTurn[] = [];
  let usage = noUsage;
  let before = noUsage;
  let wrappingUp = false;

  const nudge = (about: NoteTopic, reason: Nudge['fact']['reason'], text: string): Nudge => ({
    ...{ about, text },
    fact: { type: 'Agent: Nudged', reason, message: text },
  });

  return {
    add({ content }, results, sum) {
      turns.push(pastTurn(callsIn(content, results)));
      before = usage;
      usage = sum;
    },
    noted(about) {
      const last = turns.at(-1);
      if (about === 'limit') wrappingUp = true;
      if (about === 'stuck' && last) last.wasNudged = true;
    },
    end() {
      const reached = limitReached(limits, usage);
      if (reached) return reached;
      const judged = judgeProgress(turns);
      return judged?.kind === 'end' ? { code: 'agent_stuck', message: judged.message } : undefined;
    },
    nudges() {
      const judged = judgeProgress(turns);
      const near = wrappingUp ? undefined : limitNear(limits, usage, before);
      return [
        ...(judged?.kind === 'nudge' ? [nudge('stuck', judged.reason, judged.message)] : []),
        ...(near === undefined ? [] : [nudge('limit', 'limit_near', `${near} ${wrapUp}`)]),
      ];
    },
    timeIsUp() {
      if (limits.time === undefined) return new AbortController().signal;
      return AbortSignal.timeout(Math.max(0, limits.time.endAt - Date.now()));
    },
    get wrappingUp() {
      return wrappingUp;
    },
  };
};

const callsIn = (content: ModelReply['content'], results: readonly ToolResult[]): PastCall[] =>
  content.flatMap((block) => {
    if (block.type !== 'tool_use') return [];
    const result = results.find(({ toolUseId }) => toolUseId === block.id);
    return result ? [{ ...block, ...result }] : [];
  });

const limitReached = (limits: AgentLimits, usage: Usage): Incomplete | undefined => {
  const { turnsMax, tokensMax, costUsdMax, time } = limits;
  const tokens = tokensOf(usage);
  if (usage.turns >= turnsMax) {
    const message = `The model was not done after ${turnsMax === 1 ? 'one turn' : `${turnsMax} turns`}, which is the limit.`;
    return { code: 'turn_limit', message };
  }
  if (tokens >= tokensMax) {
    const message = `The job used ${tokens} tokens and is not done; ${tokensMax} is the limit.`;
    return { code: 'token_limit', message };
  }
  if (costUsdMax !== undefined && usage.costUsd === 'unknown') {
    const message = `What the job costs is not known, so its limit of $${costUsdMax} cannot be kept.`;
    return { code: 'cost_limit', message };
  }
  if (costUsdMax !== undefined && Number(usage.costUsd) >= costUsdMax) {
    const cost = Number(Number(usage.costUsd).toFixed(4));
    const message = `The job has cost $${cost} and is not done; $${costUsdMax} is the limit.`;
    return { code: 'cost_limit', message };
  }
  return time !== undefined && Date.now() >= time.endAt ? outOfTime : undefined;
};

/** The time that is left is for the checks and the pull request. */
export const outOfTime: Incomplete = {
  code: 'time_limit',
  message: 'The model was not done when its share of the job’s time was over.',
};

/** Which limit comes near, in words for the model: one or two more turns as the last one was would reach it. */
const limitNear = (limits: AgentLimits, usage: Usage, before: Usage): string | undefined => {
  const turnsLeft = limits.turnsMax - usage.turns;
  if (turnsLeft <= wrapUpTurns(limits.turnsMax)) {
    return turnsLeft === 1 ? 'This is your last turn.' : `You have ${turnsLeft} turns left.`;
  }
  if (isNear(tokensOf(usage), tokensOf(before), limits.tokensMax)) {
    return 'The tokens that this job may use are nearly used up.';
  }
  const { costUsd } = usage;
  const costBefore = before.costUsd;
  if (limits.costUsdMax !== undefined && costUsd !== 'unknown' && costBefore !== 'unknown') {
    if (isNear(costUsd, costBefore, limits.costUsdMax))
      return 'The money that this job may cost is nearly used up.';
  }
  return limits.time !== undefined && Date.now() >= limits.time.nearAt
    ? 'The time of this job is nearly over.'
    : undefined;
};

const isNear = (sum: number, before: number, max: number): boolean =>
  sum >= 0.9 * max || sum + 2 * (sum - before) >= max;

/** A tenth of all turns: one at least to mend what is half done and one to say so, where there are many enough. */
const wrapUpTurns = (turnsMax: number): number =>
  turnsMax < 6 ? 1 : Math.min(5, Math.max(2, Math.ceil(turnsMax / 10)));

const wrapUp =
  'Begin nothing new: leave the workspace in a state that works, and send the final message, which says what is done and what is not. After that the job ends, whether you are done or not.';

const tokensOf = ({ inputTokens, outputTokens }: Usage): number => inputTokens + outputTokens;
