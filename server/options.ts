import { createHash, randomUUID } from 'node:crypto';
import os from 'node:os';
import type { Config, JobsConfig } from './config.ts';
import { wayOutUrl } from './docker/way-out.ts';
import { defaultImage, type SandboxImage } from './domain/sandbox-image.ts';

/** From the settings, in the units that people think in, to what each part wants, in bytes and milliseconds. */

const kilobyte = 1 << 10;
const megabyte = 1 << 20;
export const second = 1000;
export const minute = 60 * second;

export const httpLimits = (config: Config) => ({
  headersTimeoutMs: config.HEADERS_SECONDS_MAX * second,
  requestTimeoutMs: config.REQUEST_SECONDS_MAX * second,
  keepAliveTimeoutMs: 10 * second,
  headerBytesMax: 16 * kilobyte,
  connectionsMax: config.CONNECTIONS_MAX,
});

export const appLimits = (config: Config) => ({
  trustedProxies: config.TRUSTED_PROXY ?? [],
  requestsPerMinuteMax: config.REQUESTS_PER_MINUTE_MAX,
  failedKeysPerMinuteMax: config.FAILED_KEYS_PER_MINUTE_MAX,
  streamsPerKeyMax: config.STREAMS_PER_KEY_MAX,
  bodyBytesMax: config.REQUEST_KB_MAX * kilobyte,
  pingMs: 15 * second,
  jobLimitsMax: jobLimitsMax(config),
  idleWriteTimeoutMs: config.READER_STALLED_SECONDS_MAX * second,
});

/** What a request may ask for at most; what is left out has no limit. */
const jobLimitsMax = (config: Config) => ({
  turns: config.AGENT_TURNS_MAX,
  tokens: config.JOB_TOKENS_MAX,
  ...(config.JOB_USD_MAX !== undefined && { costUsd: config.JOB_USD_MAX }),
  minutes: config.JOB_MINUTES_MAX,
  commandSeconds: config.COMMAND_SECONDS_MAX,
  outputKb: config.COMMAND_OUTPUT_KB_MAX,
});

export const githubOptions = (config: JobsConfig, temporaryDirectory: string) => ({
  url: config.GITHUB_URL,
  apiUrl: config.GITHUB_API_URL,
  token: config.GITHUB_TOKEN,
  userAgent: 'tiny-backspace',
  wayOutUrl,
  temporaryDirectory,
  limits: {
    gatewayBytesMax: config.CLONE_MB_MAX * megabyte,
    gatewayMs: config.CLONE_SECONDS_MAX * second,
    gatewayRequestsMax: 200,
    gatewayRequestsAtOnceMax: 4,
    cloneMs: config.CLONE_SECONDS_MAX * second,
    packBytesMax: 64 * megabyte,
    packObjectsMax: 200_000,
    objectBytesMax: 16 * megabyte,
    treeDepthMax: 64,
    basePathsMax: 300_000,
    apiTimeoutMs: 30 * second,
  },
});

/** Two servers of one host cannot listen at the same place, and a restarted one listens where it did. */
export const serverIdOf = ({ SERVER_ID, HOST }: Config, port: number): string =>
  SERVER_ID ?? createHash('sha256').update(`${os.hostname()} ${HOST} ${port}`).digest('hex').slice(0, 16);

export const databaseLimits = {
  ...{ connectionsMax: 20, connectMs: 5 * second, statementMs: 30 * second, silenceMs: 10 * second },
};

export const storeOptions = (config: Config) => ({
  isWorker: config.ROLE !== 'web',
  runningMax: config.JOBS_RUNNING_TOTAL_MAX,
  runningPerKeyMax: config.JOBS_RUNNING_PER_KEY_MAX,
  jobsPerHourMax: config.JOBS_PER_HOUR_PER_KEY_MAX,
  queuedMax: config.JOBS_QUEUED_MAX,
  patienceMs: config.DATABASE_PATIENCE_SECONDS * second,
  keptMs: config.JOBS_KEPT_DAYS * 24 * 60 * minute,
});

export const reaperTimes = { everyMs: 30 * second, graceMs: minute };
export const poolTimes = { refillAfterMs: 3 * second, retryAfterMs: second, spareMsMax: 24 * 60 * minute };

export const sandboxOptions = (config: Config, serverId: string) => ({
  image: config.SANDBOX_IMAGE,
  images: config.SANDBOX_IMAGES,
  runtime: config.SANDBOX_RUNTIME,
  withoutGVisor: config.SANDBOX_WITHOUT_GVISOR,
  serverId,
  processId: randomUUID(),
  startMs: config.SANDBOX_START_SECONDS * second,
  // A spare may wait, and then comes a whole job and its end.
  lifetimeMs: poolTimes.spareMsMax + (config.JOB_MINUTES_MAX + 30) * minute,
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

/** All that a job may choose, the default one first; of an image of somebody's own only they know what it holds. */
export const offeredImages = ({ SANDBOX_IMAGE, SANDBOX_IMAGES }: Config): readonly SandboxImage[] => {
  const isOurs = SANDBOX_IMAGE.startsWith('tiny-backspace/sandbox:');
  const holds = isOurs ? 'Node.js 24, Python 3, C and C++' : '';
  return [{ name: defaultImage, reference: SANDBOX_IMAGE, holds }, ...SANDBOX_IMAGES];
};

/** `allow` undefined: the default hosts. Set but empty, it lets nothing out. */
export const egressSettings = ({ EGRESS_ALLOW, EGRESS_ALLOW_PRIVATE, GITHUB_URL }: Config) => ({
  allow: EGRESS_ALLOW,
  allowPrivate: EGRESS_ALLOW_PRIVATE,
  publicIsForAll: GITHUB_URL === 'https://github.com',
});

/** The same rules for private repositories, on another list. */
export const setupEgressSettings = (config: Config) => ({
  ...egressSettings(config),
  allow: config.SETUP_EGRESS_ALLOW,
});

/** One result must leave room for others. */
export const setupCacheLimits = ({ SETUP_CACHE_MB_MAX }: Config) => ({
  bytesMax: SETUP_CACHE_MB_MAX * megabyte,
  entryBytesMax: Math.floor((SETUP_CACHE_MB_MAX * megabyte) / 4),
});

export const admissionTimes = { examineMs: 2 * minute, againMs: 30 * second };

export const egressLimits = {
  connectionsMax: 32,
  connectionsTotalMax: 2000,
  bytesUpMax: 64 * megabyte,
  bytesDownMax: 1024 * megabyte,
  idleMs: minute,
  connectMs: 10 * second,
  helloMs: 10 * second,
};

export const modelOptions = (config: JobsConfig) => ({
  apiKey: config.ANTHROPIC_API_KEY,
  baseUrl: config.ANTHROPIC_BASE_URL,
  model: config.MODEL,
  effort: config.MODEL_EFFORT,
  thinking: config.MODEL_THINKING,
  outputTokensMax: config.MODEL_OUTPUT_TOKENS_MAX,
  prices: config.MODEL_PRICES ?? {},
  requestTimeoutMs: 20 * minute,
  idleTimeoutMs: 2 * minute,
  retriesMax: config.MODEL_RETRIES_MAX,
  retryMsMax: config.MODEL_RETRY_SECONDS_MAX * second,
});

export const jobSettings = (config: Config) => ({
  identity: { name: config.COMMIT_AUTHOR_NAME, email: config.COMMIT_AUTHOR_EMAIL },
  jobMs: config.JOB_MINUTES_MAX * minute,
  lossesMax: config.SANDBOX_LOSSES_MAX,
  deathsMax: config.JOB_DEATHS_MAX,
  takeBackAgainMs: 40 * second,
  images: offeredImages(config),
  setup: { ms: config.SETUP_SECONDS_MAX * second, forge: config.GITHUB_URL },
  checks: { checkMs: config.CHECK_SECONDS_MAX * second, roundsMax: config.CHECK_ROUNDS_MAX },
  checkpoint: { filesMax: 5000, bytesMax: 64 * megabyte },
  changeset: { filesMax: config.CHANGESET_FILES_MAX, bytesMax: config.CHANGESET_MB_MAX * megabyte },
  agent: {
    turnsMax: config.AGENT_TURNS_MAX,
    tokensMax: config.JOB_TOKENS_MAX,
    // What is added since the last reply is estimated, so a little is kept free.
    inputTokensMax: Math.floor(config.MODEL_CONTEXT_TOKENS * 0.98) - config.MODEL_OUTPUT_TOKENS_MAX,
    commandMs: config.COMMAND_SECONDS * second,
    commandMsMax: config.COMMAND_SECONDS_MAX * second,
    outputBytesMax: config.COMMAND_OUTPUT_KB_MAX * kilobyte,
    readBytesMax: 64 * kilobyte,
    filesMax: 500,
    matchesMax: 100,
    ...(config.JOB_USD_MAX !== undefined && { costUsdMax: config.JOB_USD_MAX }),
  },
});
