import type { AgentLimits } from '../agent/limits.ts';
import { AppError } from '../domain/errors.ts';
import type { Job } from '../domain/job.ts';
import type { Model } from '../domain/model.ts';

const second = 1000;
const minute = 60 * second;
const kilobyte = 1 << 10;

/** How long the job may take, from its first start on, whoever runs it. */
export const jobMsOf = ({ request }: Pick<Job, 'request'>, jobMsMax: number): number =>
  lower(jobMsMax, request.limits?.minutes, minute);

/**
 * What the agent of this job is held to: the server's limits, or lower ones that its request has asked for. Throws
 * `price_unknown` when a limit in money cannot be kept.
 */
export const agentLimitsOf = (
  job: Pick<Job, 'request' | 'startedAt' | 'createdAt'>,
  { agent, jobMs }: { agent: AgentLimits; jobMs: number },
  model: Pick<Model, 'name' | 'hasPrice'>,
): AgentLimits => {
  const { limits = {} } = job.request;
  const costUsdMax = lower(agent.costUsdMax ?? Number.POSITIVE_INFINITY, limits.costUsd);
  if (costUsdMax < Number.POSITIVE_INFINITY && !model.hasPrice) {
    const message = `The price of the model ${model.name} is not known, so the job’s limit of $${costUsdMax} cannot be kept.`;
    throw new AppError('price_unknown', message);
  }
  const commandMsMax = lower(agent.commandMsMax, limits.commandSeconds, second);
  return {
    ...agent,
    turnsMax: lower(agent.turnsMax, limits.turns),
    tokensMax: lower(agent.tokensMax, limits.tokens),
    ...(costUsdMax < Number.POSITIVE_INFINITY && { costUsdMax }),
    time: agentTime(Date.parse(job.startedAt ?? job.createdAt), jobMsOf(job, jobMs)),
    commandMs: Math.min(agent.commandMs, commandMsMax),
    commandMsMax,
    outputBytesMax: lower(agent.outputBytesMax, limits.outputKb, kilobyte),
  };
};

/** When the checks have to be over: what is left then is for the pull request. */
export const checksEndAt = (
  job: Pick<Job, 'request' | 'startedAt' | 'createdAt'>,
  { jobMs }: { jobMs: number },
): number => {
  const ownMs = jobMsOf(job, jobMs);
  return Date.parse(job.startedAt ?? job.createdAt) + ownMs - Math.min(ownMs / 20, minute);
};

const lower = (max: number, asked: number | undefined, unit = 1): number =>
  Math.min(max, asked === undefined ? max : asked * unit);

/** A fifth of the job's time, at most ten minutes, is for what comes after the agent: checks and the pull request. */
const agentTime = (startedAt: number, jobMs: number) => {
  const endAt = startedAt + jobMs - Math.min(jobMs / 5, 10 * minute);
  return { nearAt: endAt - Math.min(jobMs / 10, 5 * minute), endAt };
};
