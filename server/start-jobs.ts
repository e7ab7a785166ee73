import path from 'node:path';
import { createModel } from './anthropic/model.ts';
import type { JobsConfig } from './config.ts';
import { startAdmission } from './docker/doctor/admission.ts';
import { examine } from './docker/doctor/examine.ts';
import { createOpenEgress } from './docker/egress/open-egress.ts';
import { allowlistProblems, chooseSetupPolicy } from './docker/egress/policy.ts';
import { systemNetwork } from './docker/egress/system-network.ts';
import { connectEngine } from './docker/engine.ts';
import { createPool } from './docker/pool.ts';
import { type Check, checkEngine, imageId } from './docker/readiness.ts';
import { startReaper } from './docker/reaper.ts';
import { createSandboxes } from './docker/sandboxes.ts';
import type { Log } from './domain/log.ts';
import type { Trace } from './domain/trace.ts';
import { createGitHub } from './github/github.ts';
import { runJob } from './jobs/run-job.ts';
import { createSetupCache } from './jobs/setup/setup-cache.ts';
import { startWorker } from './jobs/worker.ts';
import {
  admissionTimes,
  egressLimits,
  egressSettings,
  githubOptions,
  jobSettings,
  minute,
  modelOptions,
  poolTimes,
  reaperTimes,
  sandboxOptions,
  second,
  setupCacheLimits,
  setupEgressSettings,
} from './options.ts';
import type { Store } from './store/store.ts';

/** The half of a server that runs jobs. */
export type Jobs = {
  checks(): Promise<Check[]>;
  /** Throws `sandbox_unavailable` when no job can run here. */
  refuse(): void;
  /** Hands over what runs, and puts the sandboxes away that no job has. */
  stop(): Promise<void>;
};

/** Wires everything that a job needs, and begins to take jobs. */
export const startJobs = async (
  config: JobsConfig,
  parts: {
    store: Store;
    serverId: string;
    temporaryDirectory: string;
    trace: Trace;
    redact: (text: string) => string;
    log: Log;
  },
): Promise<Jobs> => {
  const { store, serverId, log, trace, redact } = parts;
  const docker = connectEngine(config.DOCKER_HOST);
  const options = sandboxOptions(config, serverId);
  const sandboxes = createSandboxes(docker, options);
  // One image that is missing is no reason to run no job at all: /readyz tells it, and the job that asks for it.
  const examined = { ...options, images: [] };
  const patient = { egress: egressSettings(config), egressLimits, ...examined, docker, sandboxes };
  const admission = startAdmission({ examine: (signal) => examine(patient, signal), ...admissionTimes, log });
  const pool = createPool(sandboxes, {
    size: config.SANDBOX_POOL_SIZE,
    imageId: () => imageId(docker, config.SANDBOX_IMAGE),
    ...poolTimes,
    log,
  });
  const { holds } = sandboxes;
  const reaper = startReaper(docker, { ...options, holds, use: store.sandboxUse, ...reaperTimes, log });
  void reaper.look();
  const setupEgress = setupEgressSettings(config);
  const ports = {
    ...{ trace, log, redact },
    github: createGitHub(githubOptions(config, parts.temporaryDirectory)),
    openEgress: createOpenEgress(egressSettings(config), { limits: egressLimits, ...systemNetwork }),
    openSetupEgress: createOpenEgress(
      setupEgress,
      { limits: egressLimits, ...systemNetwork },
      chooseSetupPolicy,
    ),
    setupCache: createSetupCache(path.join(config.DATA_DIR, 'setup-cache'), setupCacheLimits(config)),
    model: createModel({ ...modelOptions(config), log }),
    sandboxes: admission.guard(pool),
  };
  if (config.JOB_USD_MAX !== undefined && !ports.model.hasPrice) {
    log.warn(
      { model: config.MODEL },
      'JOB_USD_MAX cannot be kept without the price of MODEL: every job will fail',
    );
  }
  const { claim } = await store.openClaims(options);
  const worker = startWorker({
    claims: {
      async claim(stop) {
        // Another server's host may pass: a job must not fail here for what is wrong with this one.
        await admission.untilAdmitted(stop);
        return claim(stop);
      },
    },
    log,
    async run(held, signal) {
      // What a former holder has left is of no use now, apart from the sandbox that the job goes on in; and in the end
      // not even that, also when the job was cancelled before it had that sandbox in hand.
      const clearUp = async () => held.earlierClaims > 0 && reaper.look();
      void clearUp();
      await runJob(held, ports, jobSettings(config), signal).finally(clearUp);
    },
    jobsMax: config.JOBS_RUNNING_MAX,
    jobMs: config.JOB_MINUTES_MAX * minute,
  });

  const problems = allowlistProblems(egressSettings(config));
  if (problems.length > 0)
    log.warn({ problems }, 'EGRESS_ALLOW cannot be read: sandboxes reach no host at all');
  const setupProblems = allowlistProblems(setupEgress);
  if (setupProblems.length > 0)
    log.warn(
      { problems: setupProblems },
      'SETUP_EGRESS_ALLOW cannot be read: setup commands reach no host at all',
    );

  return {
    checks: async () => [...(await checkEngine(docker, options)), admission.check()],
    refuse: admission.refuseWhenFailed,
    async stop() {
      await worker.stop(config.STOP_GRACE_SECONDS * second);
      await Promise.all([admission, pool, reaper].map((part) => part[Symbol.asyncDispose]()));
    },
  };
};
