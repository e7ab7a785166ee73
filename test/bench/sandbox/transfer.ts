import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import tar from 'tar-stream';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { seededRandom } from '../../support/sample.ts';
import type { Bench } from '../bench.ts';
import { interleave, summarize, timed } from '../measure.ts';
import { quantity, type Row } from '../report.ts';
import { openProductionSandboxes } from './production.ts';

/** 100 MB through the channel, against tar in a `docker exec` of its own. */
export const transfer: Bench = async (rounds, signal) => {
  await using sandboxes = await openProductionSandboxes();
  await using sandbox = await sandboxes.acquire('bench', signal);
  const archive = await makeArchive();
  const lists: number[] = [];

  const samples = await interleave(
    rounds,
    {
      in: async () => {
        await empty(sandbox, signal);
        return timed(() => sandbox.unpack(chunksOf(archive), signal));
      },
      inByExec: async () => {
        await empty(sandbox, signal);
        return timed(() => exec(['-i', sandbox.id, 'tar', '--extract', '--file=-'], archive, signal));
      },
      out: async () => {
        const listed = performance.now();
        const files = await sandbox.files([], signal);
        lists.push(performance.now() - listed);
        if (files.length !== smallCount + 1) throw new Error(`There are ${files.length} files to bring out.`);
        return timed(() => sandbox.contents(files, signal));
      },
      outByExec: () => timed(() => exec([sandbox.id, 'tar', '--create', '.'], undefined, signal)),
    },
    signal,
  );

  const row = (name: string, ours: number[], baseline: string, others: number[]): Row => ({
    ...{ name, unit: 'ms', ours, baseline: { name: baseline, samples: others } },
  });
  return {
    title: '100 MB in and out',
    about: `One file of 60 MB and 1,000 of 40 kB, to and from the same sandbox, as one archive. Ours checks what comes out: its form, and
that the bytes of each file are those that were listed. The execs pass the archive on, unread.`,
    rows: [
      row('in', samples.in, 'docker exec -i … tar --extract', samples.inByExec),
      row('out', samples.out, 'docker exec … tar --create', samples.outByExec),
    ],
    notes: [
      `The list of the files with their ids, before they come out: ${quantity(summarize(lists).p50, 'ms')}.`,
    ],
  };
};

const largeBytes = 60_000_000;
const smallBytes = 40_000;
const smallCount = 1000;

const makeArchive = async (): Promise<Buffer> => {
  const random = seededRandom(100);
  const bytes = Buffer.from(Uint32Array.from({ length: largeBytes / 4 }, () => random() * 2 ** 32).buffer);
  const pack = tar.pack();
  pack.entry({ name: 'large.bin' }, bytes);
  for (let index = 0; index < smallCount; index += 1) {
    const from = index * smallBytes;
    pack.entry({ name: `many/${index % 10}/${index}.bin` }, bytes.subarray(from, from + smallBytes));
  }
  pack.finalize();
  return buffer(pack as AsyncIterable<Uint8Array> & typeof pack);
};

/** As a file or another stream would bring it. */
async function* chunksOf(archive: Buffer): AsyncGenerator<Uint8Array> {
  const chunkBytes = 64 << 10;
  for (let at = 0; at < archive.length; at += chunkBytes) yield archive.subarray(at, at + chunkBytes);
}

const empty = (sandbox: Sandbox, signal: AbortSignal) => {
  const request = { command: 'rm -rf /workspace/*', timeoutMs: 60_000, outputBytesMax: 1000 };
  return sandbox.exec(request, signal);
};

const exec = async (
  args: readonly string[],
  input: Buffer | undefined,
  signal: AbortSignal,
): Promise<void> => {
  const child = spawn('docker', ['exec', ...args], { stdio: ['pipe', 'pipe', 'inherit'], signal });
  const ended = once(child, 'close') as Promise<[number]>;
  child.stdin.end(input);
  child.stdout.resume();
  const [exitCode] = await ended;
  if (exitCode !== 0) throw new Error(`docker exec ${args.join(' ')} ended with ${exitCode}.`);
};
