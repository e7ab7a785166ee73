import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import type { ForgeRepository } from '../../support/forge/forge.ts';
import { readFolder } from '../../support/forge/repository-files.ts';
import type { TestSandboxes } from '../../support/sandboxes.ts';
import { archiveOf } from './archive.ts';
import { filesOf, type Task } from './tasks.ts';

/** How a command went; `output` is its end. */
export type CommandOutcome = { passed: boolean; output: string };

const commandMs = 120_000;
const outputBytesMax = 4_000;

/**
 * Runs the hidden tests on what the agent has pushed, in a sandbox that no agent has seen: what the commit holds, with
 * the hidden files over it.
 */
export const runHiddenTests = async (
  task: Task & { hidden: string },
  repository: ForgeRepository,
  commit: string,
  sandboxes: TestSandboxes,
  signal: AbortSignal,
): Promise<CommandOutcome> => {
  const pushed = await checkOut(repository, commit);
  await using sandbox = await sandboxes.acquire(`hidden-${task.name}`, signal);
  await sandbox.unpack(archiveOf(pushed), signal);
  await sandbox.unpack(archiveOf(await filesOf(task, 'hidden')), signal);
  return await runIn(sandbox, '/workspace', task.hidden, signal);
};

/** Runs a command in a shell of its own. */
export const runIn = async (
  sandbox: Sandbox,
  directory: string,
  command: string,
  signal: AbortSignal,
): Promise<CommandOutcome> => {
  const request = {
    command: `cd '${directory}' && ${command}`,
    env: {},
    timeoutMs: commandMs,
    outputBytesMax,
  };
  const { exitCode, output } = await sandbox.exec(request, signal);
  return { passed: exitCode === 0, output: output.trimEnd() };
};

const checkOut = async (repository: ForgeRepository, commit: string) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'backspace-bench-'));
  try {
    await repository.git('--work-tree', directory, 'checkout', '--quiet', '--force', commit, '--', '.');
    return await readFolder(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
