import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createModel } from './anthropic/model.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { startAdmission } from './docker/doctor/admission.ts';
import { examine } from './docker/doctor/examine.ts';
import { strayFinding } from './docker/doctor/stray-finding.ts';
import { findingsTable } from './docker/doctor/table.ts';
import { createOpenEgress } from './docker/egress/open-egress.ts';
import { allowlistProblems } from './docker/egress/policy.ts';
import { systemNetwork } from './docker/egress/system-network.ts';
import { connectEngine } from './docker/engine.ts';
import { createPool } from './docker/pool.ts';
import { checkEngine, imageId } from './docker/readiness.ts';
import { startReaper } from './docker/reaper.ts';
import { createSandboxes } from './docker/sandboxes.ts';
import { createRedactor } from './domain/redact.ts';
import { createGitHub } from './github/github.ts';
import { createApp } from './http/app.ts';
import { closeServer, createServer, listen } from './http/server.ts';
import { runJob } from './jobs/run-job.ts';
import { startWorker } from './jobs/worker.ts';
import { createTrace } from './langsmith/trace.ts';
import { createLog } from './log.ts';
import {
  admissionTimes,
  egressLimits,
  egressSettings,
  githubOptions,
  httpLimits,
  jobSettings,
  kilobyte,
  minute,
  modelOptions,
  poolTimes,
  reaperTimes,
  sandboxOptions,
  second,
  serverIdOf,
} from './options.ts';
import { createMemoryCheckpoints } from './store/memory-checkpoints.ts';
import { createMemoryStore } from './store/memory-store.ts';
import { createRedactingStore } from './store/redacting-store.ts';
import { openTemporaryDirectory } from './temporary-directory.ts';

/** Wires everything: the only file that reads the environment and knows all folders. */
const start = async (config: Config): Promise<void> => {
  const { GITHUB_TOKEN, ANTHROPIC_API_KEY, LANGSMITH_API_KEY, API_KEYS } = config;
  const redactor = createRedactor([GITHUB_TOKEN, ANTHROPIC_API_KEY, LANGSMITH_API_KEY ?? '', ...API_KEYS]);
  const log = createLog({ level: config.LOG_LEVEL, redact: redactor.text });
  const docker = connectEngine(config.DOCKER_HOST);
  const store = createRedactingStore(
    createMemoryStore({ queuedMax: config.JOBS_QUEUED_MAX, jobsKeptMax: config.JOBS_KEPT_MAX }),
    redactor,
  );
  const trace = createTrace({
    apiKey: LANGSMITH_API_KEY,
    endpoint: config.LANGSMITH_ENDPOINT,
    project: config.LANGSMITH_PROJECT,
    redact: redactor.text,
    log,
  });
  const temporary = await openTemporaryDirectory();
  const ports = {
    store,
    trace,
    log,
    redact: redactor.text,
    github: createGitHub(githubOptions(config, temporary.path)),
    openEgress: createOpenEgress(egressSettings(config), { limits: egressLimits, ...systemNetwork }),
    checkpoints: createMemoryCheckpoints(),
    model: createModel({ ...modelOptions(config), log }),
  };
  const ready = async () => {
    const settings = { name: 'settings', ok: true, detail: 'read and valid since the server started' };
    const checks = [settings, ...(await checkEngine(docker, options)), admission.check()];
    return { ready: checks.every(({ ok }) => ok), checks };
  };
  const stopping = new AbortController();
  const app = createApp({
    store,
    log,
    ready,
    refuseJobs: () => admission.refuseWhenFailed(),
    cancel: (jobId) => worker.cancel(jobId),
    stopping: stopping.signal,
    newJobId: () => randomBytes(8).toString('hex'),
    githubUrl: config.GITHUB_URL,
    ...(config.PUBLIC_URL ? { publicUrl: config.PUBLIC_URL } : {}),
    apiKeys: API_KEYS,
    bodyBytesMax: 128 * kilobyte,
    pingMs: 15_000,
    idleWriteTimeoutMs: 60_000,
  });
  const server = createServer(app, httpLimits);
  await listen(server, config.PORT, config.HOST).catch(async (cause: Error) => {
    await temporary[Symbol.asyncDispose]();
    throw new ConfigError(
      `The server cannot listen with HOST=${config.HOST} and PORT=${config.PORT}: ${cause.message}. Stop what listens there, or set others.`,
    );
  });
  const { port } = server.address() as AddressInfo;
  const options = sandboxOptions(config, serverIdOf(config, port));
  const started = createSandboxes(docker, options);
  const patient = { ...patientOf(config), ...options, docker, sandboxes: started };
  const admission = startAdmission({ examine: (signal) => examine(patient, signal), ...admissionTimes, log });
  const pool = createPool(started, {
    size: config.SANDBOX_POOL_SIZE,
    imageId: () => imageId(docker, config.SANDBOX_IMAGE),
    ...poolTimes,
    log,
  });
  const reaper = startReaper(docker, { ...options, holds: started.holds, ...reaperTimes, log });
  void reaper.look();
  const worker = startWorker({
    store,
    log,
    run: (job, signal) =>
      runJob(job, { ...ports, sandboxes: admission.guard(pool) }, jobSettings(config), signal),
    jobsMax: config.JOBS_RUNNING_MAX,
    jobMs: config.JOB_MINUTES_MAX * minute,
  });
  const access =
    API_KEYS.length > 0 ? `${API_KEYS.length} API keys` : 'loopback only, since API_KEYS is not set';
  log.info({ host: config.HOST, port, access, tracing: LANGSMITH_API_KEY !== undefined }, 'server listens');

  const stop = async (signal: string) => {
    log.info({ signal }, 'server stops: its jobs end and their sandboxes go');
    // Until the streams have told how their jobs ended, the server goes on answering.
    const sandboxesGone = async () => {
      await worker.stop();
      await Promise.all([admission, pool, reaper].map((part) => part[Symbol.asyncDispose]()));
    };
    await Promise.race([sandboxesGone(), sleep(30 * second)]);
    await closeServer(server, 5 * second);
    await trace.flush(5 * second);
    await temporary[Symbol.asyncDispose]();
    process.exit(0);
  };
  const onSignal = (signal: string) => {
    // Whoever asks twice does not want to wait; sandboxes that are left end by themselves.
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort();
    void stop(signal);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, onSignal);

  const problems = allowlistProblems(egressSettings(config));
  if (problems.length > 0)
    log.warn({ problems }, 'EGRESS_ALLOW cannot be read: sandboxes reach no host at all');
};

const readSettings = (otherwise: NodeJS.ProcessEnv): Config => {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return readConfig({ ...otherwise, ...process.env });
};

const patientOf = (config: Config) => ({ egress: egressSettings(config), egressLimits });

/** `npm run doctor`: proves on this host what the server promises about sandboxes. */
const doctor = async (config: Config): Promise<void> => {
  const docker = connectEngine(config.DOCKER_HOST);
  const options = sandboxOptions(config, 'doctor');
  // It looks inside whatever answers there, and judges it.
  const sandboxes = createSandboxes(docker, { ...options, withoutGVisor: true });
  const patient = { ...patientOf(config), ...options, docker, sandboxes };
  const examined = await examine(patient, AbortSignal.timeout(2 * minute));
  const isEngineThere = examined.some(({ name, ok }) => name === 'docker' && ok);
  const findings = isEngineThere ? [...examined, await strayFinding(docker)] : examined;
  process.stdout.write(findingsTable(findings));
  process.exitCode = findings.every(({ ok }) => ok) ? 0 : 1;
};

/** The doctor looks at sandboxes alone, and works before there are any keys. */
const noKeys = { ANTHROPIC_API_KEY: 'not-needed', GITHUB_TOKEN: 'not-needed' };

const [command] = process.argv.slice(2);
if (command !== undefined && command !== 'doctor') {
  process.stderr.write(
    `There is no command ${command}: without one the server starts, and there is doctor.\n`,
  );
  process.exit(1);
}
try {
  await (command === 'doctor' ? doctor(readSettings(noKeys)) : start(readSettings({})));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
