import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { settingNames } from '../../../server/config.ts';

/** What makes the bench's server one for the bench only, whatever else the environment says. */
const own: ReadonlySet<string> = new Set([
  ...[
    'HOST',
    'PORT',
    'PUBLIC_URL',
    'API_KEYS',
    'TRUSTED_PROXY',
    'ROLE',
    'SERVER_ID',
    'DATABASE_URL',
    'DATA_DIR',
  ],
  ...['GITHUB_URL', 'GITHUB_API_URL', 'GITHUB_TOKEN', 'JOBS_RUNNING_MAX', 'LOG_LEVEL'],
]);

/**
 * The settings of the live model and of the agent, as the server would find them: in the environment, else in .env.
 * Undefined without a key.
 */
export const liveSettings = (
  environment: NodeJS.ProcessEnv = process.env,
  file = path.resolve(import.meta.dirname, '../../../.env'),
): Record<string, string> | undefined => {
  const given = { ...(existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}), ...environment };
  if (!given.ANTHROPIC_API_KEY) return undefined;
  return Object.fromEntries(
    settingNames.flatMap((name) => {
      const value = given[name];
      return value === undefined || own.has(name) ? [] : [[name, value]];
    }),
  );
};

export const needsKey =
  'The agent’s tasks are for a live model: they need ANTHROPIC_API_KEY, in the environment or in .env. Nothing is played from a recording instead.';
