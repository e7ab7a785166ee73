import { AppError, asAppError } from '../domain/errors.ts';
import type { HeldJob } from '../domain/job.ts';
import type { Log } from '../domain/log.ts';
import { endAtLimit } from './at-limit.ts';
import { doWork } from './do-work.ts';
import { getReady } from './get-ready.ts';
import { agentLimitsOf, checksEndAt } from './job-limits.ts';
import { keepSandbox } from './keep-sandbox.ts';
import { openEgress } from './open-egress.ts';
import { createOwner } from './owner.ts';
import { goesOnElsewhere, type Ports, type Settings, type Walk } from './ports.ts';
import { endWithError, type Result, startProgress } from './progress.ts';
import { publish } from './publish.ts';
import { nothingToChangeResult, pullRequestResult } from './result.ts';
import { createSteps } from './steps.ts';
import { takeBack, takeBackAgain } from './take-back.ts';
import { startChecksBefore } from './verify/check-before.ts';
import { withoutRepeats } from './without-repeats.ts';

/**
 * A job from its claim to its one terminal event, or to the moment when it goes on in another server's hands. What fails
 * becomes the job's `Error`; only a store that takes no more events is left to the caller.
 */
export const runJob = async (
  held: HeldJob,
  ports: Ports,
  settings: Settings,
  signal: AbortSignal,
): Promise<void> => {
  const { job } = held;
  const inputs = { repository: job.request.repository, prompt: job.request.prompt };
  const span = ports.trace.start(
    { id: job.id, metadata: { ls_provider: 'anthropic', ls_model_name: ports.model.name } },
    inputs,
  );
  const progress = startProgress(held, span);
  const emit = withoutRepeats(held);
  const step = createSteps(job.id, span, ports.log);

  // One that slept past its lease must write nothing more, here or there.
  const github = ports.github.withLease(held.check);
  const last = await walk(held, { ...ports, github, emit, step, progress }, settings, signal).catch(
    async (thrown: unknown) => {
      const error = asAppError(signal.aborted ? signal.reason : thrown);
      if (error.code === 'lease_lost' || goesOnElsewhere(signal)) return error;
      logEnd(ports.log, job.id, error);
      const end =
        error.code === 'cancelled' ? await takeBack(held, ports.github, progress, ports.log) : error;
      return endWithError(end, progress);
    },
  );
  if (last instanceof AppError) {
    span.end({}, { error: last.message });
    if (last.code === 'server_stopped') await held.release();
    ports.log.info({ jobId: job.id, why: last.code }, 'job goes on elsewhere');
    return;
  }
  span.end({ ...last }, last.type === 'Error' ? { error: `${last.code}: ${last.message}` } : {});
  await emit(last);
  if (last.type === 'Result' && last.status === 'cancelled') {
    takeBackAgain(held, ports.github, ports.log, settings.takeBackAgainMs);
  }
  ports.log.info({ jobId: job.id, ended: last.type, durationMs: last.durationMs }, 'job ended');
};

/** Only what the server did not foresee is its own error: the rest is for the caller, who has been told. */
const logEnd = (log: Log, jobId: string, error: AppError): void => {
  const line = { jobId, code: error.code, err: error };
  if (error.code === 'internal') log.error(line, 'job failed');
  else if (error.code === 'cancelled') log.info({ jobId }, 'job cancelled');
  else log.warn(line, 'job failed');
};

/** The way of a job. What a former holder of it has done of this is not done again. */
const walk = async (held: HeldJob, way: Walk, settings: Settings, signal: AbortSignal): Promise<Result> => {
  const { job, once } = held;
  const { github, step, progress } = way;
  const { repository, baseBranch } = job.request;
  await begin(held, way, settings);
  const agent = agentLimitsOf(job, settings, way.model);
  const checks = { ...settings.checks, endsAt: checksEndAt(job, settings) };

  // Before the sandbox, since a repository or branch that is not there needs none.
  const base = await once('base', () =>
    step('resolve', () => github.resolveBase(repository, baseBranch, signal)),
  );
  const egress = openEgress(base, way);
  await using owner = createOwner(job.id, way.log);
  const keeper = owner.own(await keepSandbox({ held, base, egress }, way, settings, signal));
  const baseRepository = owner.own(
    await step('base', () =>
      keeper.within(({ basePack }) => github.receiveBase(base, basePack(base.commit, signal), signal)),
    ),
  );
  const { exploration, ground } = await getReady(
    { held, keeper, egress, baseRepository },
    way,
    settings,
    signal,
  );
  const before = owner.own(startChecksBefore(ground, exploration.checks, way, checks, signal));
  const work = await doWork(
    ground,
    { exploration, before, keeper },
    way,
    { ...settings, agent, checks },
    signal,
  );
  endAtLimit(work.answer, work.changeset, job.request, work.evidence);
  if (work.changeset.files.length === 0) return nothingToChangeResult(work, progress);
  const pullRequest = await step('publish', () =>
    publish(
      {
        ...{ job, ...work, model: way.model.name, baseRepository, identity: settings.identity },
        onCommit: async (sha) => void (await once('commit', async () => sha)),
      },
      way,
      signal,
    ),
  );
  return pullRequestResult(work, pullRequest, progress);
};

/** Says that the job begins, or that it goes on; unless it has cost too many servers their lives. */
const begin = async (held: HeldJob, { emit, progress }: Walk, { deathsMax }: Settings): Promise<void> => {
  const { job, earlierClaims, deaths, wasHandedOver } = held;
  if (deaths >= deathsMax) {
    throw new AppError('died_repeatedly', `${deaths} servers died while they ran this job at the same turn.`);
  }
  if (earlierClaims > 0) {
    const reason = wasHandedOver ? 'handed_over' : 'server_died';
    await emit({ type: 'Job: Resumed', reason, claim: earlierClaims + 1 });
  }
  await emit({
    type: 'Job: Started',
    jobId: job.id,
    ...(progress.traceUrl ? { traceUrl: progress.traceUrl } : {}),
  });
};
