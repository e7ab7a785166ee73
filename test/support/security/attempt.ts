import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { soon } from '../sandboxes.ts';

const directory = path.join(import.meta.dirname, '../../security/attempts');
const secondsMax = 40;

/** The command that runs one of test/security/attempts inside a sandbox; a `.bash` is read by the shell itself. */
export const commandOf = (file: string, ...words: readonly string[]): string => {
  const inside = `/tmp/attempt-${file}`;
  const program = readFileSync(path.join(directory, file)).toString('base64');
  const command = [...startOf(file), inside, ...words].map(quoted).join(' ');
  return `printf %s ${program} | base64 --decode >${inside} && ${command}`;
};

const startOf = (file: string): string[] => {
  if (file.endsWith('.bash')) return ['.'];
  return ['timeout', String(secondsMax), file.endsWith('.py') ? 'python3' : 'bash'];
};

/**
 * Runs it and gives back what it said. How it ended is its own matter, and that it takes its sandbox with it, too: only
 * what the test sees outside tells whether it had success.
 */
export const attempt = async (
  sandbox: Pick<Sandbox, 'exec'>,
  file: string,
  ...words: readonly string[]
): Promise<string> => {
  let said = '';
  const request = {
    command: commandOf(file, ...words),
    timeoutMs: (secondsMax + 5) * 1000,
    outputBytesMax: 1 << 20,
  };
  await sandbox
    .exec(request, soon(), (chunk) => {
      said += chunk;
    })
    .catch((error: Error) => {
      said += `\n-- ${error.message}\n`;
    });
  return said;
};

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
