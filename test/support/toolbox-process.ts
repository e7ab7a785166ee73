import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { type Calls, openCalls } from '../../server/docker/calls.ts';
import { createToolbox, type Toolbox } from '../../server/docker/toolbox.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** The toolbox as a plain child process on a temporary directory: no container, only for commands of our own. */
export type ToolboxProcess = AsyncDisposable & {
  toolbox: Toolbox;
  calls: Calls;
  workspace: string;
  process: ChildProcess;
};

export const startToolboxProcess = async (
  limits: Partial<Parameters<typeof createToolbox>[1]> = {},
): Promise<ToolboxProcess> => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'toolbox-test-'));
  const workspace = path.join(directory, 'workspace');
  const emptyRepository = path.join(directory, 'empty.git');
  execFileSync('git', ['init', '--quiet', '--bare', emptyRepository]);
  execFileSync('mkdir', [workspace]);
  const child = spawn(process.execPath, [path.join(root, 'sandbox-image/toolbox/calls.ts')], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: directory,
      // The heartbeat's file is there, too.
      TMPDIR: directory,
      BACKSPACE_WORKSPACE: workspace,
      BACKSPACE_EMPTY_REPOSITORY: emptyRepository,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const calls = openCalls(Duplex.from({ readable: child.stdout, writable: child.stdin }));
  return {
    toolbox: createToolbox(calls, { filesMax: 10_000, workspaceBytes: 64 << 20, ...limits }),
    calls,
    workspace,
    process: child,
    async [Symbol.asyncDispose]() {
      calls.close();
      child.kill('SIGKILL');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
};
