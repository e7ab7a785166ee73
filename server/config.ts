import { isIP } from 'node:net';
import { z } from 'zod';
import { crossChecks } from './config-checks.ts';
import { parseSandboxImages } from './domain/sandbox-image.ts';

/**
 * The server's settings, read once from the environment. Each setting's description is what a person is told when it
 * is missing or wrong; `.env.example` says the same with its default.
 */

const integer = (min: number, max: number, otherwise: number) =>
  z.coerce
    .number('must be a whole number')
    .int('must be a whole number')
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`)
    .default(otherwise);

const url = (otherwise: string) =>
  z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .transform((text) => text.replace(/\/+$/, ''))
    .default(otherwise);

const secret = z.string().min(8, 'is too short to be a key').regex(/^\S+$/, 'must not contain white space');

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

const isNetwork = (text: string): boolean => {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  const isPrefix =
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
  return family !== 0 && isPrefix && rest.length === 0;
};

const yesOrNo = (otherwise: boolean) =>
  z
    .enum(['true', 'false'], 'must be true or false')
    .default(otherwise ? 'true' : 'false')
    .transform((text) => text === 'true');

const usdPerMillion = z.number().nonnegative();

const prices = z.record(
  z.string(),
  z.strictObject({
    input: usdPerMillion,
    output: usdPerMillion,
    cacheWrite: usdPerMillion,
    cacheRead: usdPerMillion,
  }),
);

const priceList = z.string().transform((text, context) => {
  const parsed = prices.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const message = 'must be JSON that gives each model these four numbers, none below 0';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const settings = z.object({
  ANTHROPIC_API_KEY: secret.describe(
    'the key for the model: make one in the Anthropic Console under «API keys»',
  ),
  GITHUB_TOKEN: secret.describe(
    'the token that pushes branches and opens pull requests: a fine-grained token with contents and pull requests «read and write», or a classic one with the scope «repo»',
  ),

  HOST: z.string().default('127.0.0.1').describe('the address to listen on'),
  PORT: integer(0, 65_535, 8080).describe('the port to listen on; 0 takes a free one'),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .optional()
    .describe(
      'how clients reach the server, for the URLs in its answers; then only this host and loopback names are answered',
    ),
  API_KEYS: list
    .pipe(
      z.array(
        z
          .string()
          .min(16, 'every key needs at least 16 characters')
          .regex(/^\S+$/, 'must not contain white space inside a key'),
      ),
    )
    .default([])
    .describe(
      'who may use the API: keys, separated by commas (make one with «openssl rand -hex 24»); keys with limits are made by «npm run keys»',
    ),
  TRUSTED_PROXY: list
    .pipe(z.array(z.string().refine(isNetwork, 'must be addresses or networks as 172.16.0.0/12')))
    .optional()
    .describe(
      'the proxies before the server, addresses or networks, separated by commas: only from them X-Forwarded-For is believed',
    ),
  REQUESTS_PER_MINUTE_MAX: integer(1, 1_000_000, 3000).describe(
    'requests of one API key in a minute, and of one address without a key; each server counts for itself',
  ),
  FAILED_KEYS_PER_MINUTE_MAX: integer(1, 1_000_000, 30).describe(
    'requests with a wrong key, or none, from one address in a minute',
  ),
  CONNECTIONS_MAX: integer(10, 1_000_000, 2000).describe(
    'connections that are open on one server; further ones are closed at once',
  ),
  HEADERS_SECONDS_MAX: integer(1, 600, 10).describe('how long the headers of a request may take to come'),
  REQUEST_SECONDS_MAX: integer(1, 600, 30).describe('how long a whole request may take to come'),
  REQUEST_KB_MAX: integer(1, 10_240, 128).describe('size of a request’s body'),
  READER_STALLED_SECONDS_MAX: integer(1, 86_400, 60).describe(
    'how long a stream waits for a reader that takes nothing; then it is cut, and the reader may come back',
  ),
  STREAMS_PER_KEY_MAX: integer(1, 100_000, 200).describe(
    'streams of one API key that are open on one server',
  ),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('how much is logged'),

  ANTHROPIC_BASE_URL: url('https://api.anthropic.com').describe(
    'where the Messages API is: Anthropic’s, or another endpoint that speaks it; what an endpoint does not take of thinking, effort and caching is left out',
  ),
  MODEL: z.string().default('claude-opus-5-5').describe('the model’s name'),
  MODEL_CONTEXT_TOKENS: integer(32_000, 10_000_000, 200_000).describe(
    'tokens that the model can take at once, its reply included; before they are full, old tool results are left out and old turns summarized',
  ),
  MODEL_EFFORT: z
    .enum(['low', 'medium', 'high', 'xhigh', 'max'])
    .default('high')
    .describe('how much the model thinks and writes'),
  MODEL_THINKING: yesOrNo(true).describe(
    'whether the model thinks before it answers, shown as summaries; some models always think',
  ),
  MODEL_OUTPUT_TOKENS_MAX: integer(1024, 128_000, 32_000).describe('tokens of one reply, thinking included'),
  MODEL_RETRIES_MAX: integer(0, 20, 6).describe('how often a failed model call is tried again'),
  MODEL_RETRY_SECONDS_MAX: integer(0, 86_400, 600).describe(
    'how long one reply is waited for in vain, between attempts and in failed ones, save the first that had begun to answer; an API that asks for a longer wait ends the job',
  ),
  MODEL_PRICES: priceList
    .optional()
    .describe(
      'US dollars for a million tokens, as JSON by the model’s name, over the table of Anthropic’s own: {"model": {"input": 3, "output": 15, "cacheWrite": 3.75, "cacheRead": 0.3}}',
    ),

  GITHUB_URL: url('https://github.com').describe(
    'where repositories are; yours for GitHub Enterprise Server',
  ),
  GITHUB_API_URL: url('https://api.github.com').describe(
    'GitHub’s REST API; https://HOST/api/v3 for Enterprise Server',
  ),
  COMMIT_AUTHOR_NAME: z
    .string()
    .min(1)
    .default('Tiny Backspace')
    .describe('author and committer of the commits'),
  COMMIT_AUTHOR_EMAIL: z
    .email('must be an e-mail address')
    .default('tiny-backspace@users.noreply.github.com')
    .describe('their address'),

  LANGSMITH_API_KEY: secret.optional().describe('turns tracing on: make a key in LangSmith’s settings'),
  LANGSMITH_ENDPOINT: url('https://api.smith.langchain.com').describe('where traces go'),
  LANGSMITH_PROJECT: z.string().min(1).default('tiny-backspace').describe('the LangSmith project'),

  EGRESS_ALLOW: list
    .optional()
    .describe(
      'hosts that sandboxes may reach besides GitHub’s, names or «*.domain», separated by commas; set to nothing, they reach none at all',
    ),
  EGRESS_ALLOW_PRIVATE: yesOrNo(false).describe(
    'whether sandboxes of private repositories may reach these hosts as well: they could carry code there',
  ),
  SETUP_EGRESS_ALLOW: list
    .default([])
    .describe(
      'hosts that a sandbox may reach while setup commands run, and only then: names or «*.domain», separated by commas',
    ),

  DOCKER_HOST: z
    .string()
    .regex(/^(unix:\/\/\/|tcp:\/\/|http:\/\/|https:\/\/)/, 'must be unix:///path or tcp://host:port')
    .default('unix:///var/run/docker.sock')
    .describe('the Docker engine for sandboxes'),
  SANDBOX_IMAGE: z
    .string()
    .min(1)
    .default('tiny-backspace/sandbox:latest')
    .describe('the image of the sandboxes, as long as a job does not choose another one'),
  SANDBOX_IMAGES: z
    .string()
    .transform((text, context) => {
      const images = parseSandboxImages(text);
      if (!('problem' in images)) return images;
      context.addIssue(images.problem);
      return z.NEVER;
    })
    .default([])
    .describe(
      'the other images that a job may choose by name, with the tool chains that they hold: «go=my/sandbox-go:1.26 (Go 1.26); rust=…»',
    ),
  SANDBOX_RUNTIME: z.string().min(1).default('runsc-backspace').describe('gVisor, as registered with Docker'),
  SANDBOX_WITHOUT_GVISOR: yesOrNo(false).describe(
    'whether jobs run on a host without gVisor too: then the host’s kernel is all that holds them',
  ),
  SANDBOX_MEMORY_MB: integer(256, 1 << 20, 2048).describe('memory of a sandbox, its files included'),
  SANDBOX_CPUS: z.coerce
    .number('must be a number')
    .min(0.1)
    .max(1024)
    .default(2)
    .describe('processors of a sandbox'),
  SANDBOX_PIDS_MAX: integer(128, 65_536, 2048).describe('host threads of a sandbox, gVisor’s own included'),
  SANDBOX_PROCESSES_MAX: integer(32, 65_536, 512).describe('processes inside a sandbox'),
  SANDBOX_OPEN_FILES_MAX: integer(256, 1 << 20, 4096).describe('open files of a process'),
  SANDBOX_WORKSPACE_MB: integer(16, 1 << 20, 1024).describe('size of /workspace'),
  SANDBOX_HOME_MB: integer(16, 1 << 20, 256).describe('size of the home directory'),
  SANDBOX_TMP_MB: integer(16, 1 << 20, 256).describe('size of /tmp'),
  SANDBOX_START_SECONDS: integer(1, 600, 30).describe('how long a sandbox may take to start'),
  SANDBOX_ORPHAN_SECONDS: integer(30, 86_400, 300).describe('how long a sandbox outlives a server that died'),

  SANDBOX_POOL_SIZE: integer(0, 100, 1).describe(
    'sandboxes that are kept ready; 0 starts each when its job begins',
  ),
  SERVER_ID: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'must be at most 64 letters, digits, dots, dashes and underscores')
    .optional()
    .describe(
      'names this server among those that share its Docker engine or its database; no two may have the same',
    ),

  ROLE: z
    .enum(['web', 'worker', 'all'], 'must be web, worker or all')
    .default('all')
    .describe('what this server does: serve the API, run jobs, or both'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must be a postgres:// URL')
    .optional()
    .describe(
      'the PostgreSQL for jobs, which any number of servers may share; without it the server keeps them in DATA_DIR by itself',
    ),
  DATA_DIR: z
    .string()
    .min(1)
    .default('data')
    .describe(
      'the directory for jobs where DATABASE_URL is not set, which does not survive a power cut, and for what setup commands made',
    ),
  DATABASE_PATIENCE_SECONDS: integer(1, 86_400, 600).describe(
    'how long a running job waits for a database that is away',
  ),
  JOBS_RUNNING_MAX: integer(1, 1000, 2).describe('jobs that run at once on this server; the others wait'),
  JOBS_RUNNING_TOTAL_MAX: integer(1, 100_000, 1000).describe('jobs that run at once on all servers together'),
  JOBS_RUNNING_PER_KEY_MAX: integer(1, 100_000, 1000).describe(
    'jobs of one API key that run at once, where it has no limit of its own',
  ),
  JOBS_PER_HOUR_PER_KEY_MAX: integer(1, 1_000_000, 1000).describe(
    'jobs that one API key may ask for in an hour, where it has no limit of its own',
  ),
  JOBS_QUEUED_MAX: integer(1, 100_000, 100).describe('jobs that may wait'),
  JOB_DEATHS_MAX: integer(1, 100, 3).describe(
    'servers that may die at one turn of a job, one after the other',
  ),
  STOP_GRACE_SECONDS: integer(0, 86_400, 20).describe(
    'how long running jobs may go on when the server is to stop; then another server, or the next start, takes them up',
  ),
  JOBS_KEPT_DAYS: integer(1, 3650, 30).describe(
    'how long events and patch of an ended job are kept; how it ended is kept for good',
  ),
  JOB_MINUTES_MAX: integer(1, 1440, 60).describe('how long a job may take'),
  JOB_TOKENS_MAX: integer(1000, 1_000_000_000, 20_000_000).describe(
    'input and output tokens of a job, those from the cache included',
  ),
  JOB_USD_MAX: z.coerce
    .number('must be a number')
    .positive('must be more than 0')
    .optional()
    .describe('what the model may cost in a job, in US dollars; it needs a model whose price is known'),
  AGENT_TURNS_MAX: integer(1, 10_000, 200).describe('model replies in a job'),
  SANDBOX_LOSSES_MAX: integer(0, 100, 3).describe('sandboxes that one job may lose and go on in another'),
  COMMAND_SECONDS: integer(1, 86_400, 120).describe(
    'how long a command may take when the model does not say',
  ),
  COMMAND_SECONDS_MAX: integer(1, 86_400, 900).describe('how long a command may take at most'),
  SETUP_SECONDS_MAX: integer(1, 86_400, 600).describe('how long all setup commands may take in one sandbox'),
  SETUP_CACHE_MB_MAX: integer(0, 1 << 24, 2048).describe(
    'what setup commands made, kept in DATA_DIR for later jobs; 0 keeps nothing, one result takes a quarter at most',
  ),
  COMMAND_OUTPUT_KB_MAX: integer(1, 4096, 32).describe('output of one command that the model sees'),
  CHECK_SECONDS_MAX: integer(1, 86_400, 600).describe(
    'how long one of the repository’s checks may run, before and after the change',
  ),
  CHECK_ROUNDS_MAX: integer(0, 10, 1).describe(
    'how often the agent may go on when a check that passed before fails; then the pull request is a draft',
  ),
  CLONE_MB_MAX: integer(1, 1 << 20, 500).describe('bytes that one sandbox may fetch from GitHub'),
  CLONE_SECONDS_MAX: integer(10, 86_400, 600).describe('how long the clone may take'),
  CHANGESET_FILES_MAX: integer(1, 100_000, 300).describe('files in one pull request'),
  CHANGESET_MB_MAX: integer(1, 1024, 20).describe('bytes in one pull request'),
});

/** A server that serves the API alone runs no job, and is better off without the keys. */
const withoutKeys = settings.partial({ ANTHROPIC_API_KEY: true, GITHUB_TOKEN: true });

export type Config = Readonly<z.infer<typeof withoutKeys>>;

/** Of a server that runs jobs. */
export type JobsConfig = Readonly<z.infer<typeof settings>>;

export const runsJobs = (config: Config): config is JobsConfig => config.ROLE !== 'web';

/** What is wrong with the environment, as one message for a person. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** Whether whoever can ask the server is on its machine. */
export const isLoopback = (host: string): boolean => ['127.0.0.1', '::1', 'localhost'].includes(host);

export const readConfig = (environment: NodeJS.ProcessEnv): Config => {
  // An empty value in .env or in a compose file means «not set», except where nothing is a meaning of its own.
  const given = Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => value !== '' || name === 'EGRESS_ALLOW'),
  );
  const parsed = (given.ROLE === 'web' ? withoutKeys : settings).safeParse(given);
  const problems = [
    ...(parsed.success ? [] : parsed.error.issues.map(describeIssue(given))),
    ...crossChecks(eachByItself(given)),
  ];
  if (!parsed.success || problems.length > 0) {
    throw new ConfigError(
      [
        'The server cannot start with these settings:',
        '',
        ...problems.map((problem) => `  ${problem}`),
        '',
        'Set them in the environment or in a file .env where the server is started; .env.example explains each.',
      ].join('\n'),
    );
  }
  return Object.freeze(parsed.data);
};

/** Every setting by its name, with what it is for and its default: the tests hold .env.example against it. */
export const settingNames = Object.keys(settings.shape);

const describeIssue = (given: Record<string, unknown>) => (issue: z.core.$ZodIssue) => {
  const name = String(issue.path[0]);
  const meaning = settings.shape[name as keyof typeof settings.shape].description;
  // The value itself is never repeated: it may be a secret.
  return given[name] === undefined
    ? `${name} is missing: ${meaning}.`
    : `${name} ${issue.message}; it is ${meaning}.`;
};

/** The settings that are right, so that what does not fit together is told along with what is wrong. */
const eachByItself = (given: Record<string, unknown>): Partial<Config> =>
  Object.fromEntries(
    Object.entries(settings.shape).flatMap(([name, schema]) => {
      const { success, data } = schema.safeParse(given[name]);
      return success ? [[name, data]] : [];
    }),
  );
