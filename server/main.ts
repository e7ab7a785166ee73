import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Config, ConfigError, isLoopback, readConfig, runsJobs } from './config.ts';
import { examine } from './docker/doctor/examine.ts';
import { strayFinding } from './docker/doctor/stray-finding.ts';
import { findingsTable } from './docker/doctor/table.ts';
import { connectEngine } from './docker/engine.ts';
import { createSandboxes } from './docker/sandboxes.ts';
import { AppError } from './domain/errors.ts';
import type { Log } from './domain/log.ts';
import { createRedactor } from './domain/redact.ts';
import { createApp } from './http/app.ts';
import { type Keyring, openKeyring } from './http/keyring.ts';
import { closeServer, createServer, listen } from './http/server.ts';
import { endWithError, startProgress } from './jobs/progress.ts';
import { KeysCommandError, readKeysCommand } from './keys-command.ts';
import { createTrace } from './langsmith/trace.ts';
import { createLog } from './log.ts';
import {
  appLimits,
  databaseLimits,
  egressLimits,
  egressSettings,
  httpLimits,
  minute,
  offeredImages,
  sandboxOptions,
  second,
  serverIdOf,
  storeOptions,
} from './options.ts';
import { type Jobs, startJobs } from './start-jobs.ts';
import { createApiKeys } from './store/api-keys.ts';
import type { Database } from './store/database.ts';
import { DirectoryInUse } from './store/directory-lock.ts';
import { migrate } from './store/migrate.ts';
import { impatient } from './store/patience.ts';
import { openPGlite } from './store/pglite.ts';
import { openPostgres } from './store/postgres.ts';
import { openStore } from './store/store.ts';
import { openTemporaryDirectory } from './temporary-directory.ts';

/** Wires everything: the only file that reads the environment and knows all folders. */
const start = async (config: Config): Promise<void> => {
  const { GITHUB_TOKEN, ANTHROPIC_API_KEY, LANGSMITH_API_KEY, API_KEYS } = config;
  const databasePassword = passwordOf(config.DATABASE_URL);
  const secrets = [GITHUB_TOKEN, ANTHROPIC_API_KEY, LANGSMITH_API_KEY, databasePassword, ...API_KEYS];
  const redactor = createRedactor(secrets.filter((secret) => secret !== undefined));
  const log = createLog({ level: config.LOG_LEVEL, redact: redactor.text });
  const trace = createTrace({
    apiKey: LANGSMITH_API_KEY,
    endpoint: config.LANGSMITH_ENDPOINT,
    project: config.LANGSMITH_PROJECT,
    redact: redactor.text,
    log,
  });
  const database = await openDatabase(config, log);
  const opening = openStore(database, { ...storeOptions(config), redact: redactor.deep, log });
  const store = await opening.catch(async (cause: Error) => {
    await database[Symbol.asyncDispose]();
    throw new ConfigError(
      `The server cannot use its database: ${cause.message}. Check that it runs, and that ${config.DATABASE_URL ? 'DATABASE_URL' : 'DATA_DIR'} leads to it.`,
    );
  });
  const closeStore = async () => {
    await store[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  };
  const keyring = await openKeyring({
    fromSettings: API_KEYS,
    readStored: createApiKeys(database).list,
    freshMs: 2 * second,
  });
  if (keyring.size() === 0 && !isLoopback(config.HOST)) {
    await closeStore();
    throw new ConfigError(unprotected(config.HOST));
  }
  const temporary = await openTemporaryDirectory();
  let jobs: Jobs | undefined;
  const checkStore = async () => {
    const problem = await store.ping().then(
      () => undefined,
      (error: Error) => error.message,
    );
    return { name: 'database', ok: problem === undefined, detail: problem ?? database.backend };
  };
  const ready = async () => {
    const settings = { name: 'settings', ok: true, detail: 'read and valid since the server started' };
    const checks = [settings, await checkStore(), ...((await jobs?.checks()) ?? [])];
    return { ready: checks.every(({ ok }) => ok), checks };
  };
  const stopping = new AbortController();
  const cancelled = new AppError('cancelled', 'The job was cancelled.');
  const app = createApp({
    store,
    log,
    ready,
    refuseJobs: () => jobs?.refuse(),
    cancel: (jobId) => store.cancel(jobId, endWithError(cancelled, startProgress())),
    stopping: stopping.signal,
    newJobId: () => randomBytes(8).toString('hex'),
    githubUrl: config.GITHUB_URL,
    images: offeredImages(config),
    ...(config.PUBLIC_URL ? { publicUrl: config.PUBLIC_URL } : {}),
    keyring,
    servesWithoutKeys: isLoopback(config.HOST),
    ...appLimits(config),
  });
  const server = createServer(app, httpLimits(config));
  await listen(server, config.PORT, config.HOST).catch(async (cause: Error) => {
    await temporary[Symbol.asyncDispose]();
    await closeStore();
    throw new ConfigError(
      `The server cannot listen with HOST=${config.HOST} and PORT=${config.PORT}: ${cause.message}. Stop what listens there, or set others.`,
    );
  });
  const { port } = server.address() as AddressInfo;
  if (runsJobs(config)) {
    jobs = await startJobs(config, {
      ...{ store, log, trace, redact: redactor.text },
      serverId: serverIdOf(config, port),
      temporaryDirectory: temporary.path,
    });
  }
  const tracing = LANGSMITH_API_KEY !== undefined;
  log.info(
    {
      host: config.HOST,
      port,
      access: accessBy(keyring),
      tracing,
      role: config.ROLE,
      database: database.backend,
    },
    'server listens',
  );

  const stop = async (signal: string) => {
    log.info({ signal }, 'server stops: its jobs come to their end, or are handed over');
    await Promise.race([jobs?.stop(), sleep((config.STOP_GRACE_SECONDS + 30) * second)]);
    await closeServer(server, 5 * second);
    await trace.flush(5 * second);
    await temporary[Symbol.asyncDispose]();
    await closeStore();
    process.exit(0);
  };
  const onSignal = (signal: string) => {
    // Whoever asks twice does not want to wait: what is stored is enough to go on with.
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort();
    void stop(signal);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, onSignal);
};

const accessBy = (keyring: Keyring): string =>
  keyring.isEmpty()
    ? 'loopback only, since there is no API key: set API_KEYS, or make one with «npm run keys -- add NAME»'
    : `${keyring.size()} API keys`;

const unprotected = (host: string): string =>
  `The server cannot start: without an API key it serves loopback only, and HOST is ${host}. Set API_KEYS, make a key with «npm run keys -- add NAME», or set HOST=127.0.0.1.`;

/** As it stands in the URL: whoever connects is told of it in messages of the driver's. */
const passwordOf = (databaseUrl: string | undefined): string | undefined =>
  databaseUrl === undefined ? undefined : /^\w+:\/\/[^:@/]*:([^@/]*)@/.exec(databaseUrl)?.[1] || undefined;

const openDatabase = async (config: Config, log: Log): Promise<Database> => {
  if (config.DATABASE_URL) return openPostgres({ url: config.DATABASE_URL, ...databaseLimits, log });
  const database = await openPGlite(config.DATA_DIR).catch((error: Error) => {
    throw error instanceof DirectoryInUse ? new ConfigError(error.message) : error;
  });
  log.warn(
    { directory: config.DATA_DIR },
    'jobs are kept in DATA_DIR, which does not survive a power cut: set DATABASE_URL to a PostgreSQL for more than trying out',
  );
  return database;
};

const readSettings = (otherwise: NodeJS.ProcessEnv): Config => {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return readConfig({ ...otherwise, ...process.env });
};

/** `npm run doctor`: proves on this host what the server promises about sandboxes. */
const doctor = async (config: Config): Promise<void> => {
  const docker = connectEngine(config.DOCKER_HOST);
  const options = sandboxOptions(config, 'doctor');
  // It looks inside whatever answers there, and judges it.
  const sandboxes = createSandboxes(docker, { ...options, withoutGVisor: true });
  const patient = { egress: egressSettings(config), egressLimits, ...options, docker, sandboxes };
  const examined = await examine(patient, AbortSignal.timeout(2 * minute));
  const isEngineThere = examined.some(({ name, ok }) => name === 'docker' && ok);
  const findings = isEngineThere ? [...examined, await strayFinding(docker)] : examined;
  process.stdout.write(findingsTable(findings));
  process.exitCode = findings.every(({ ok }) => ok) ? 0 : 1;
};

/** `npm run keys`: who may use the API. Servers that run hear of it within seconds. */
const keys = async (words: string[], config: Config): Promise<void> => {
  const command = readKeysCommand(words);
  await using database = await openDatabase(config, createLog({ level: 'silent', redact: String })).catch(
    (error: Error) => {
      if (!(error instanceof ConfigError)) throw error;
      throw new ConfigError(
        `${error.message} Is that your server? Then stop it, give this command again, and start it; with DATABASE_URL keys can be changed while servers run.`,
      );
    },
  );
  const run = async () => {
    await impatient(() => migrate(database));
    return command(createApiKeys(database));
  };
  const said = await run().catch((error: unknown) => {
    throw error instanceof AppError ? new KeysCommandError(error.message) : error;
  });
  process.stdout.write(said);
};

/** These look at sandboxes or at the database alone, and work before there are any credentials. */
const noCredentials = { ANTHROPIC_API_KEY: 'not-needed', GITHUB_TOKEN: 'not-needed' };

const [command, ...words] = process.argv.slice(2);
if (command !== undefined && command !== 'doctor' && command !== 'keys') {
  process.stderr.write(
    `There is no command ${command}: without one the server starts, and there are doctor and keys.\n`,
  );
  process.exit(1);
}
try {
  if (command === 'doctor') await doctor(readSettings(noCredentials));
  else if (command === 'keys') await keys(words, readSettings(noCredentials));
  else await start(readSettings({}));
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof KeysCommandError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
