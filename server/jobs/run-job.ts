import { runAgent } from '../agent/run-agent.ts';
import { type AppError, asAppError } from '../domain/errors.ts';
import type { Job } from '../domain/job.ts';
import type { JobFact } from '../domain/job-event.ts';
import type { Log } from '../domain/log.ts';
import { collectChangeset } from './collect-changeset.ts';
import { keepSandbox } from './keep-sandbox.ts';
import { openEgress } from './open-egress.ts';
import { createOwner } from './owner.ts';
import type { Ports, Settings, Walk } from './ports.ts';
import { endWithError, type Result, startProgress } from './progress.ts';
import { publish } from './publish.ts';
import { nothingToChangeResult, pullRequestResult } from './result.ts';
import { createSteps } from './steps.ts';

/**
 * A job from its claim to its one terminal event. Never throws: what fails becomes the job's `Error`, and only a
 * store that takes no more events is left to the caller.
 */
export const runJob = async (
  job: Job,
  ports: Ports,
  settings: Settings,
  signal: AbortSignal,
): Promise<void> => {
  const inputs = { repository: job.request.repository, prompt: job.request.prompt };
  const span = ports.trace.start(
    { id: job.id, metadata: { ls_provider: 'anthropic', ls_model_name: ports.model.name } },
    inputs,
  );
  const progress = startProgress(span);
  const emit = async (fact: JobFact) => {
    await ports.store.append(job.id, fact);
  };
  const step = createSteps(job.id, span, ports.log);

  const last = await walk(job, { ...ports, emit, step, progress }, settings, signal).catch(
    (thrown: unknown) => {
      const error = asAppError(signal.aborted ? signal.reason : thrown);
      logEnd(ports.log, job.id, error);
      return endWithError(error, progress);
    },
  );
  span.end({ ...last }, last.type === 'Error' ? { error: `${last.code}: ${last.message}` } : {});
  await emit(last);
  ports.log.info({ jobId: job.id, ended: last.type, durationMs: last.durationMs }, 'job ended');
};

/** Only what the server did not foresee is its own error: the rest is for the caller, who has been told. */
const logEnd = (log: Log, jobId: string, error: AppError): void => {
  const line = { jobId, code: error.code, err: error };
  if (error.code === 'internal') log.error(line, 'job failed');
  else if (error.code === 'cancelled') log.info({ jobId }, 'job cancelled');
  else log.warn(line, 'job failed');
};

/** The way of a job. */
const walk = async (job: Job, way: Walk, settings: Settings, signal: AbortSignal): Promise<Result> => {
  const { github, emit, step, progress } = way;
  const { repository, baseBranch, prompt } = job.request;
  await emit({
    type: 'Job: Started',
    jobId: job.id,
    ...(progress.traceUrl ? { traceUrl: progress.traceUrl } : {}),
  });

  // Before the sandbox, since a repository or branch that is not there needs none.
  const base = await step('resolve', () => github.resolveBase(repository, baseBranch, signal));
  const egress = openEgress(base, way);
  await using owner = createOwner(job.id, way.log);
  const keeper = owner.own(await keepSandbox({ job, base, egress }, way, settings, signal));
  const baseRepository = owner.own(
    await step('base', () =>
      keeper.within(({ basePack }) => github.receiveBase(base, basePack(base.commit, signal), signal)),
    ),
  );
  const guardian = keeper.guardian(baseRepository);
  const answer = await step('agent', (span) =>
    runAgent(
      { prompt, base },
      { ...way, sandbox: keeper.sandbox, guardian, span },
      settings.agent,
      progress,
      signal,
    ),
  );
  const changeset = await step('changeset', () =>
    keeper.within((sandbox) => collectChangeset(sandbox, baseRepository, settings.changeset, signal)),
  );
  if (changeset.files.length === 0) return nothingToChangeResult(answer, changeset, progress);
  const pullRequest = await step('publish', () =>
    publish({ job, answer, changeset, baseRepository, identity: settings.identity }, way, signal),
  );
  return pullRequestResult(answer, changeset, pullRequest, progress);
};
