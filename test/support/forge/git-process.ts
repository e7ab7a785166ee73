import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

type GitResult = { exitCode: number | null; stdout: Buffer; stderr: string };

/** Runs git without the machine's or the user's configuration, and keeps track of what it started. */
export type Git = {
  start(args: readonly string[], options?: SpawnOptions): ChildProcess;
  run(directory: string, args: readonly string[], input?: Buffer): Promise<GitResult>;
  /** The output of a command that must succeed, without the last line's end. */
  text(directory: string, args: readonly string[], input?: Buffer): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
};

const killAfterMs = 2_000;

export const createGit = (): Git => {
  const running = new Map<ChildProcess, Promise<void>>();

  const start: Git['start'] = (args, options = {}) => {
    // git starts helpers of its own: a process group of its own lets all of them be stopped together.
    const env = { ...environment(), ...options.env };
    const child = spawn('git', [...args], { stdio: 'pipe', ...options, detached: true, env });
    const closed = new Promise<void>((resolve) => {
      child.once('close', () => resolve());
      child.once('error', () => resolve());
    });
    running.set(child, closed);
    void closed.then(() => running.delete(child));
    return child;
  };

  const run: Git['run'] = async (directory, args, input) => {
    const child = start(['-C', directory, ...args]);
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
    // A command that fails early closes its stdin: its exit code tells more than the EPIPE.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    await running.get(child);
    return {
      exitCode: child.exitCode,
      stdout: Buffer.concat(output),
      stderr: Buffer.concat(errors).toString(),
    };
  };

  return {
    start,
    run,
    async text(directory, args, input) {
      const { exitCode, stdout, stderr } = await run(directory, args, input);
      if (exitCode !== 0) throw new Error(`git ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
      return stdout.toString().replace(/\n$/, '');
    },
    async [Symbol.asyncDispose]() {
      for (const child of running.keys()) stopGroup(child, 'SIGTERM');
      const timer = setTimeout(() => {
        for (const child of running.keys()) stopGroup(child, 'SIGKILL');
      }, killAfterMs);
      await Promise.all(running.values());
      clearTimeout(timer);
    },
  };
};

/** SIGTERM lets git remove its lock files. */
export const stopGroup = (child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void => {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // ESRCH: the group has ended by itself in the meantime.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
};

function environment(): Record<string, string> {
  const person = { NAME: 'Forge', EMAIL: 'forge@example.com' };
  return {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: person.NAME,
    GIT_AUTHOR_EMAIL: person.EMAIL,
    GIT_COMMITTER_NAME: person.NAME,
    GIT_COMMITTER_EMAIL: person.EMAIL,
  };
}
