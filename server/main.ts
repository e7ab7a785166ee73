import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import { createModel } from './anthropic/model.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { connectEngine } from './docker/engine.ts';
import { checkEngine } from './docker/readiness.ts';
import { createSandboxes } from './docker/sandboxes.ts';
import { wayOutUrl } from './docker/way-out.ts';
import { createRedactor } from './domain/redact.ts';
import { createGitHub } from './github/github.ts';
import { createApp } from './http/app.ts';
import { createServer } from './http/server.ts';
import { runJob } from './jobs/run-job.ts';
import { startWorker } from './jobs/worker.ts';
import { createTrace } from './langsmith/trace.ts';
import { createLog } from './log.ts';
import { createMemoryStore } from './store/memory-store.ts';
import { createRedactingStore } from './store/redacting-store.ts';

/** Wires everything: the only file that reads the environment and knows all folders. */
const start = async (config: Config): Promise<void> => {
  const { GITHUB_TOKEN, ANTHROPIC_API_KEY, LANGSMITH_API_KEY, API_KEYS } = config;
  const redactor = createRedactor([GITHUB_TOKEN, ANTHROPIC_API_KEY, LANGSMITH_API_KEY ?? '', ...API_KEYS]);
  const log = createLog({ level: config.LOG_LEVEL, redact: redactor.text });
  const docker = connectEngine(config.DOCKER_HOST);
  const engine = { runtime: config.SANDBOX_RUNTIME, image: config.SANDBOX_IMAGE };

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
  const ports = {
    store,
    trace,
    log,
    redact: redactor.text,
    github: createGitHub(githubOptions(config)),
    sandboxes: createSandboxes(docker, sandboxOptions(config)),
    model: createModel(modelOptions(config)),
  };
  const worker = startWorker({
    store,
    log,
    run: (job, signal) => runJob(job, ports, jobSettings(config), signal),
    jobsMax: config.JOBS_RUNNING_MAX,
    jobMs: config.JOB_MINUTES_MAX * minute,
  });

  const ready = async () => {
    const settings = { name: 'settings', ok: true, detail: 'read and valid since the server started' };
    const checks = [settings, ...(await checkEngine(docker, engine))];
    return { ready: checks.every(({ ok }) => ok), checks };
  };
  const app = createApp({
    store,
    log,
    ready,
    cancel: worker.cancel,
    newJobId: () => randomBytes(8).toString('hex'),
    githubUrl: config.GITHUB_URL,
    ...(config.PUBLIC_URL ? { publicUrl: config.PUBLIC_URL } : {}),
    apiKeys: API_KEYS,
    bodyBytesMax: 128 * kilobyte,
    pingMs: 15_000,
    idleWriteTimeoutMs: 60_000,
  });
  const server = createServer(app, httpLimits);
  server.listen(config.PORT, config.HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const access =
    API_KEYS.length > 0 ? `${API_KEYS.length} API keys` : 'loopback only, since API_KEYS is not set';
  log.info({ host: config.HOST, port, access, tracing: LANGSMITH_API_KEY !== undefined }, 'server listens');

  const stop = async (signal: string) => {
    log.info({ signal }, 'server stops: running jobs end and their sandboxes go');
    server.close();
    await worker.stop();
    await trace.flush(5 * second);
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop(signal));
};

const kilobyte = 1 << 10;
const megabyte = 1 << 20;
const second = 1000;
const minute = 60 * second;

const httpLimits = {
  headersTimeoutMs: 10 * second,
  requestTimeoutMs: 30 * second,
  keepAliveTimeoutMs: 10 * second,
  headerBytesMax: 16 * kilobyte,
  connectionsMax: 2000,
};

const githubOptions = (config: Config) => ({
  url: config.GITHUB_URL,
  apiUrl: config.GITHUB_API_URL,
  token: config.GITHUB_TOKEN,
  userAgent: 'tiny-backspace',
  wayOutUrl,
  temporaryDirectory: os.tmpdir(),
  limits: {
    gatewayBytesMax: config.CLONE_MB_MAX * megabyte,
    gatewayMs: config.CLONE_SECONDS_MAX * second,
    cloneMs: config.CLONE_SECONDS_MAX * second,
    packBytesMax: 64 * megabyte,
    packObjectsMax: 200_000,
    objectBytesMax: 16 * megabyte,
    treeDepthMax: 64,
    basePathsMax: 300_000,
    apiTimeoutMs: 30 * second,
  },
});

const sandboxOptions = (config: Config) => ({
  image: config.SANDBOX_IMAGE,
  runtime: config.SANDBOX_RUNTIME,
  serverId: randomUUID(),
  startMs: config.SANDBOX_START_SECONDS * second,
  filesMax: 300_000,
  limits: {
    memoryBytes: config.SANDBOX_MEMORY_MB * megabyte,
    cpus: config.SANDBOX_CPUS,
    pidsMax: config.SANDBOX_PIDS_MAX,
    processesMax: config.SANDBOX_PROCESSES_MAX,
    openFilesMax: config.SANDBOX_OPEN_FILES_MAX,
    workspaceBytes: config.SANDBOX_WORKSPACE_MB * megabyte,
    homeBytes: config.SANDBOX_HOME_MB * megabyte,
    tmpBytes: config.SANDBOX_TMP_MB * megabyte,
    orphanSeconds: config.SANDBOX_ORPHAN_SECONDS,
  },
});

const modelOptions = (config: Config) => ({
  apiKey: config.ANTHROPIC_API_KEY,
  baseUrl: config.ANTHROPIC_BASE_URL,
  model: config.MODEL,
  effort: config.MODEL_EFFORT,
  thinking: true,
  outputTokensMax: config.MODEL_OUTPUT_TOKENS_MAX,
  requestTimeoutMs: 20 * minute,
  idleTimeoutMs: 2 * minute,
  retriesMax: config.MODEL_RETRIES_MAX,
});

const jobSettings = (config: Config) => ({
  identity: { name: config.COMMIT_AUTHOR_NAME, email: config.COMMIT_AUTHOR_EMAIL },
  changeset: { filesMax: config.CHANGESET_FILES_MAX, bytesMax: config.CHANGESET_MB_MAX * megabyte },
  agent: {
    turnsMax: config.AGENT_TURNS_MAX,
    tokensMax: config.JOB_TOKENS_MAX,
    commandMs: config.COMMAND_SECONDS * second,
    commandMsMax: config.COMMAND_SECONDS_MAX * second,
    outputBytesMax: config.COMMAND_OUTPUT_KB_MAX * kilobyte,
    readBytesMax: 64 * kilobyte,
    filesMax: 500,
    matchesMax: 100,
  },
});

const readSettings = (): Config => {
  if (existsSync('.env')) process.loadEnvFile('.env');
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
};

await start(readSettings());
