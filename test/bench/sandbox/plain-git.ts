import { spawn } from 'node:child_process';
import type { Sandbox } from '../../../server/domain/sandbox.ts';

/** Milliseconds that git alone takes in a sandbox, measured inside it, for a clone of the repository beside it. */
export const plainClone = async (
  sandbox: Sandbox,
  directory: string,
  signal: AbortSignal,
): Promise<number> => {
  await bringRepository(sandbox, directory, signal);
  return timedInside(
    sandbox,
    'git clone --quiet --depth=1 file:///workspace/base.git /workspace/clone',
    signal,
  );
};

/** The least that any clone has to do. */
export const indexAndCheckOut = async (
  sandbox: Sandbox,
  directory: string,
  signal: AbortSignal,
): Promise<number> => {
  await bringRepository(sandbox, directory, signal);
  await inside(sandbox, 'git -C /workspace/base.git rev-parse HEAD >head; git init --quiet clone', signal);
  const script =
    'git index-pack --stdin <../base.git/objects/pack/*.pack; git checkout --quiet $(<../head) --';
  return timedInside(sandbox, `cd clone; ${script}`, signal);
};

const bringRepository = async (sandbox: Sandbox, directory: string, signal: AbortSignal): Promise<void> => {
  const how = ['--create', '--directory', directory, '--transform=s,^[.],base.git,'];
  // Without the padding that tar adds to full records, since tar inside ends before it has read that.
  const tar = spawn('tar', [...how, '--blocking-factor=1', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await sandbox.unpack(tar.stdout, signal);
};

/** By the shell's own clock, since a program that tells the time costs 30 ms to start. */
const timedInside = async (sandbox: Sandbox, script: string, signal: AbortSignal): Promise<number> => {
  const output = await inside(
    sandbox,
    `begin=$EPOCHREALTIME\n${script}\necho "$begin $EPOCHREALTIME"`,
    signal,
  );
  const [begin = Number.NaN, end = Number.NaN] =
    output.trim().split('\n').at(-1)?.split(' ').map(Number) ?? [];
  return (end - begin) * 1000;
};

const inside = async (sandbox: Sandbox, script: string, signal: AbortSignal): Promise<string> => {
  const request = {
    command: ['bash', '-c', `set -e\n${script}`],
    ...{ timeoutMs: 60_000, outputBytesMax: 4096 },
  };
  const { exitCode, output } = await sandbox.exec(request, signal);
  if (exitCode !== 0) throw new Error(`«${script}» ended with ${exitCode}: ${output}`);
  return output;
};
