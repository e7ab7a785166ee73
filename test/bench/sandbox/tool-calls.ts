import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import type { Reply, Sandbox } from '../../../server/domain/sandbox.ts';
import type { Bench } from '../bench.ts';
import { interleave, timed } from '../measure.ts';
import { openProductionSandboxes } from './production.ts';

const callsPerRound = 200;
/** Before they count: code that runs for the first time is slow on both sides. */
const warmUpCalls = 30;
const execsPerRound = 3;

/** One call of each tool through the Sandbox port, against what a call costs without the channel. */
export const toolCalls: Bench = async (rounds, signal) => {
  await using sandboxes = await openProductionSandboxes();
  await using sandbox = await sandboxes.acquire('bench', signal);
  const tools = createTools(sandbox, signal);
  for (const call of [tools.write, tools.read, tools.edit, tools.bash])
    await several(warmUpCalls, () => call());

  const container = sandboxes.docker.getContainer(sandbox.id);
  const samples = await interleave(
    rounds,
    {
      read: () => several(callsPerRound, tools.read),
      write: () => several(callsPerRound, tools.write),
      edit: () => several(callsPerRound, tools.edit),
      bash: () => several(callsPerRound, () => tools.bash('true')),
      longBash: () => several(callsPerRound, () => tools.bash(longCommand)),
      cli: () => several(execsPerRound, () => run('docker', ['exec', sandbox.id, 'true'], { signal })),
      api: () => several(execsPerRound, () => execByApi(container, { hijack: false, stdin: false })),
      hijacked: () => several(execsPerRound, () => execByApi(container, { hijack: true, stdin: true })),
    },
    signal,
  );

  const cli = { name: 'docker exec … true', samples: samples.cli };
  const row = (name: 'read' | 'write' | 'edit') =>
    ({ name, unit: 'ms', ours: samples[name], baseline: cli, target: { p50Max: 1 } }) as const;
  const bash = { name: 'bash: true', unit: 'ms', ours: samples.bash } as const;
  return {
    title: 'Tool calls',
    about: `From the call of the Sandbox port to its answer; the file has ${text.length} bytes, ${lines} lines.
The execs are into the same sandbox, from the start of the program or the request to the end of their output.`,
    rows: [
      ...[row('read'), row('write'), row('edit')],
      { ...bash, baseline: cli, target: { p50Max: 3 } },
      { ...bash, baseline: { name: 'the engine’s API: exec true', samples: samples.api } },
      { ...bash, baseline: { name: 'the same, hijacked', samples: samples.hijacked } },
      { name: `bash: ${longCommand.length} letters`, unit: 'ms', ours: samples.longBash, baseline: cli },
    ],
    notes: [],
  };
};

const lines = 120;
const text = Array.from({ length: lines }, (_, at) => `export const price${at} = (n) => n * ${at};\n`).join(
  '',
);

/** As long as what models write: the shell that is kept reads a command letter by letter. */
const longCommand = `true ${'x'.repeat(295)}`;

const createTools = (sandbox: Sandbox, signal: AbortSignal) => {
  const filepath = 'src/prices.ts';
  const places = ['price60 = (n)', 'price60 = (m)'];
  return {
    write: async () => mustBe(await sandbox.write({ filepath, content: text }, signal)),
    read: async () => mustBe(await sandbox.read({ filepath, bytesMax: 64 << 10 }, signal)),
    // There and back, since a text can be replaced only where it is.
    edit: async () => {
      const [old_str = '', new_str = ''] = places;
      mustBe(await sandbox.edit({ filepath, edits: [{ old_str, new_str }] }, signal));
      places.reverse();
    },
    bash: async (command = 'true') => {
      const request = { command, timeoutMs: 10_000, outputBytesMax: 1000 };
      const { exitCode } = await sandbox.exec(request, signal);
      if (exitCode !== 0) throw new Error(`«${command}» ended with ${exitCode}.`);
    },
  };
};

/** A call that fails may be a quick one. */
const mustBe = (reply: Reply<object>): void => {
  if (!reply.ok) throw new Error(reply.message);
};

const several = async (count: number, call: () => Promise<unknown>): Promise<number[]> => {
  const samples: number[] = [];
  while (samples.length < count) samples.push(await timed(call));
  return samples;
};

const execByApi = async (container: Docker.Container, how: { hijack: boolean; stdin: boolean }) => {
  const exec = await container.exec({
    Cmd: ['true'],
    AttachStdin: how.stdin,
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({ ...how, Detach: false });
  stream.resume();
  await new Promise((resolve) => stream.once('end', resolve).once('close', resolve));
  stream.destroy();
};

const run = promisify(execFile);
