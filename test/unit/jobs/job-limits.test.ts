import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentLimits } from '../../../server/agent/limits.ts';
import type { JobLimits } from '../../../server/domain/job.ts';
import { agentLimitsOf } from '../../../server/jobs/job-limits.ts';
import { queuedJob } from '../../support/jobs.ts';

const minute = 60_000;
const startedAt = '2026-01-02T03:00:00.000Z';
const agent: AgentLimits = {
  ...{ turnsMax: 100, tokensMax: 5_000_000, inputTokensMax: 100_000 },
  ...{ commandMs: 120_000, commandMsMax: 900_000, outputBytesMax: 32_768 },
  ...{ readBytesMax: 65_536, filesMax: 500, matchesMax: 100 },
};
const priced = { name: 'known', hasPrice: true };

const limitsOf = (limits: JobLimits | undefined, server: Partial<AgentLimits> = {}, model = priced) => {
  const job = queuedJob('a');
  const request = { ...job.request, ...(limits && { limits }) };
  const settings = { agent: { ...agent, ...server }, jobMs: 60 * minute };
  return agentLimitsOf({ ...job, startedAt, request }, settings, model);
};

test('a job without limits of its own has the server’s, and keeps time for what comes after the agent', () => {
  const start = Date.parse(startedAt);
  const time = { nearAt: start + 45 * minute, endAt: start + 50 * minute };
  assert.deepEqual(limitsOf(undefined), { ...agent, time });
  assert.deepEqual(limitsOf(undefined, { costUsdMax: 5 }), { ...agent, time, costUsdMax: 5 });
});

test('a job has the limits that it asks for, in the units of the agent', () => {
  const start = Date.parse(startedAt);
  const asked = { turns: 5, tokens: 1000, costUsd: 0.5, minutes: 10, commandSeconds: 30, outputKb: 8 };
  assert.deepEqual(limitsOf(asked), {
    ...agent,
    ...{ turnsMax: 5, tokensMax: 1000, inputTokensMax: 100_000, costUsdMax: 0.5 },
    ...{ commandMs: 30_000, commandMsMax: 30_000, outputBytesMax: 8192 },
    time: { nearAt: start + 7 * minute, endAt: start + 8 * minute },
  });
});

test('limits that were accepted by a server with higher ones do not raise those of the one that runs the job', () => {
  const asked = { turns: 500, tokens: 1e9, costUsd: 9, minutes: 600, commandSeconds: 9000, outputKb: 999 };
  assert.deepEqual(limitsOf(asked, { costUsdMax: 5 }), limitsOf(undefined, { costUsdMax: 5 }));
});

test('a limit in money is refused where the model has no price, whoever has set it', () => {
  const unknown = { name: 'a-new-one', hasPrice: false };
  const refused = {
    code: 'price_unknown',
    message: 'The price of the model a-new-one is not known, so the job’s limit of $2 cannot be kept.',
    whatToDo: 'Give the server the price of its MODEL in MODEL_PRICES, or set no limit in money.',
  };
  assert.throws(() => limitsOf({ costUsd: 2 }, {}, unknown), refused);
  assert.throws(() => limitsOf(undefined, { costUsdMax: 2 }, unknown), refused);
  assert.equal(limitsOf({ turns: 2 }, {}, unknown).turnsMax, 2);
});
