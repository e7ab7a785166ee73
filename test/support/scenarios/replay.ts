import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Block, Scenario } from '../model/scenario.ts';

type Call = Extract<Block, { type: 'tool_use' }>;

export type Replay = {
  /** The text of the last turn, which calls no tool. */
  answer: string;
  /** The names of the called tools, one list a turn. */
  calls: string[][];
};

/**
 * Plays a scenario in a directory with the plainest tools there could be: no model, no server, no sandbox. It shows
 * that a scenario fits its repository, each `expect` included. Commands run on this machine, so it is only for
 * scenarios of our own.
 */
export const replay = async (
  scenario: Scenario,
  directory: string,
  signal: AbortSignal = AbortSignal.timeout(60_000),
): Promise<Replay> => {
  const calls: string[][] = [];
  let results: string[] = [];
  for (const [index, turn] of scenario.turns.entries()) {
    if (turn.expect && !turn.expect.test(results.join('\n'))) {
      throw new Error(`Turn ${index} of ${scenario.name} expects ${turn.expect} in:\n${results.join('\n')}`);
    }
    if (typeof turn.reply === 'function') throw new Error('A reply that is computed cannot be replayed.');
    const turnCalls = turn.reply.filter((block) => block.type === 'tool_use');
    if (turnCalls.length === 0) return { answer: textOf(turn.reply), calls };

    calls.push(turnCalls.map(({ name }) => name));
    results = [];
    for (const call of turnCalls) results.push(await perform(call, directory, signal));
  }
  throw new Error(`${scenario.name} has no turn without a tool call, so it never ends.`);
};

const textOf = (blocks: Block[]): string =>
  blocks.map((block) => (block.type === 'text' ? block.text : '')).join('');

const perform = async ({ name, input }: Call, directory: string, signal: AbortSignal): Promise<string> => {
  const text = (key: string): string => {
    const value = input[key];
    if (typeof value !== 'string') throw new Error(`${name} needs ${key}: ${JSON.stringify(input)}`);
    return value;
  };
  switch (name) {
    case 'list':
      return filesIn(directory).join('\n');
    case 'read':
      return numbered(await readFile(join(directory, text('filepath')), 'utf8'));
    case 'search':
      return search(directory, text('pattern'), typeof input.path === 'string' ? input.path : '');
    case 'write':
      return write(join(directory, text('filepath')), text('content'));
    case 'edit':
      return edit(join(directory, text('filepath')), text('old_str'), text('new_str'));
    case 'bash':
      return bash(text('command'), directory, signal);
    case 'plan':
      return 'Noted.';
    default:
      throw new Error(`There is no tool ${name}.`);
  }
};

const filesIn = (directory: string): string[] =>
  globSync('**/*', { cwd: directory, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .toSorted();

const numbered = (content: string): string =>
  content
    .split('\n')
    .map((line, index) => `${String(index + 1).padStart(6)}\t${line}`)
    .join('\n');

const search = async (directory: string, pattern: string, below: string): Promise<string> => {
  const matches: string[] = [];
  for (const path of filesIn(directory).filter((file) => file.startsWith(below))) {
    for (const [index, line] of (await readFile(join(directory, path), 'utf8')).split('\n').entries()) {
      if (new RegExp(pattern).test(line)) matches.push(`${path}:${index + 1}:${line}`);
    }
  }
  return matches.join('\n');
};

const write = async (path: string, content: string): Promise<string> => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return 'Written.';
};

const edit = async (path: string, oldText: string, newText: string): Promise<string> => {
  const pieces = (await readFile(path, 'utf8')).split(oldText);
  if (pieces.length !== 2) throw new Error(`${path} has ${pieces.length - 1} times, not once:\n${oldText}`);
  await writeFile(path, pieces.join(newText));
  return 'Edited.';
};

const bash = (command: string, directory: string, signal: AbortSignal): Promise<string> => {
  // With this variable of our own test runner, `node --test` would run nothing and call it a success.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise((resolve, reject) => {
    execFile('bash', ['-c', command], { cwd: directory, env, signal }, (error, stdout, stderr) => {
      if (signal.aborted || typeof error?.code === 'string') return reject(error);
      resolve(`${stdout}${stderr}\n[exit code ${error?.code ?? 0}]`);
    });
  });
};
