import { parseArgs } from 'node:util';
import { isRepositoryPattern, type StoredApiKey } from './domain/api-key.ts';
import type { ApiKeys } from './store/api-keys.ts';

/** What is wrong with the words behind `npm run keys --`, as one message for a person. */
export class KeysCommandError extends Error {
  override name = 'KeysCommandError';
}

const usage = `npm run keys -- add NAME [--running N] [--per-hour N] [--repositories owner/name,owner/*]
npm run keys -- list
npm run keys -- revoke NAME`;

/** From the words of the command to what it does with the keys; that gives back what is to be said. */
export const readKeysCommand = (words: readonly string[]): ((keys: ApiKeys) => Promise<string>) => {
  const { positionals, values } = parse(words);
  const [verb, name, ...rest] = positionals;
  const hasOptions = Object.keys(values).length > 0;
  if (verb === 'list' && name === undefined && !hasOptions) return list;
  if (verb === 'revoke' && name !== undefined && rest.length === 0 && !hasOptions) return revoke(name);
  if (verb === 'add' && name !== undefined && rest.length === 0) {
    if (!/^[\w.@-]{1,64}$/.test(name)) {
      throw new KeysCommandError('A name has at most 64 letters, digits, and . _ @ -');
    }
    return add({
      name,
      runningMax: numberIn('--running', values.running),
      jobsPerHourMax: numberIn('--per-hour', values['per-hour']),
      repositories: patternsIn(values.repositories),
    });
  }
  throw new KeysCommandError(usage);
};

const parse = (words: readonly string[]) => {
  const option = { type: 'string' } as const;
  const options = { running: option, 'per-hour': option, repositories: option };
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true });
  } catch (error) {
    throw new KeysCommandError(`${(error as Error).message}\n\n${usage}`);
  }
};

const numberIn = (option: string, text: string | undefined): number | null => {
  if (text === undefined) return null;
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number >= 1) return number;
  throw new KeysCommandError(`${option} must be a number from 1 to 999999.`);
};

const patternsIn = (text: string | undefined): string[] | null => {
  if (text === undefined) return null;
  const patterns = text.split(',').map((pattern) => pattern.trim());
  const wrong = patterns.find((pattern) => !isRepositoryPattern(pattern));
  if (wrong === undefined) return patterns;
  throw new KeysCommandError(
    `--repositories must be owner/name or owner/*, with commas between: «${wrong}».`,
  );
};

const add =
  (key: Parameters<ApiKeys['add']>[0]) =>
  async (keys: ApiKeys): Promise<string> => {
    const text = await keys.add(key);
    if (text === undefined) {
      throw new KeysCommandError(
        `There is a key with the name ${key.name}: revoke it, or take another name.`,
      );
    }
    return `${text}\n\nThis is the key of ${key.name}. It is shown once: the database has its digest only.\n`;
  };

const revoke =
  (name: string) =>
  async (keys: ApiKeys): Promise<string> => {
    if (await keys.revoke(name)) return `${name} is revoked: within seconds no server takes it any more.\n`;
    throw new KeysCommandError(`There is no valid key with the name ${name}.`);
  };

const list = async (keys: ApiKeys): Promise<string> => {
  const all = await keys.list();
  return all.length === 0 ? 'There are no keys in the database.\n' : `${all.map(lineOf).join('\n')}\n`;
};

const lineOf = ({ id, name, createdAt, revokedAt, ...limits }: StoredApiKey): string =>
  [
    `${name}  tb_${id}_…`,
    `made ${createdAt.slice(0, 10)}`,
    ...(revokedAt === null ? [] : [`revoked ${revokedAt.slice(0, 10)}`]),
    ...(limits.runningMax === null ? [] : [`${limits.runningMax} running`]),
    ...(limits.jobsPerHourMax === null ? [] : [`${limits.jobsPerHourMax} an hour`]),
    limits.repositories?.join(' ') ?? 'all repositories',
  ].join('  ');
