import assert from 'node:assert/strict';
import type { SandboxLimits } from '../../../server/docker/container-spec.ts';
import type { ExecResult, Sandbox } from '../../../server/domain/sandbox.ts';
import { times } from '../sample.ts';
import { sandboxLimits, shell, soon } from '../sandboxes.ts';

/** What the model would be told of a command: its result, or that the sandbox was lost. */
export type Told = ExecResult | 'lost';

/** A command that takes all it can get, and what has to come of it. */
export type Bomb = {
  name: string;
  command: string;
  timeoutMs: number;
  outputBytesMax: number;
  /** What the model is told, and what is true of the sandbox if it is still there. */
  check(told: Told, sandbox: Sandbox): void | Promise<void>;
};

const megabyte = 1 << 20;

/** Small, so that bombs go off soon; files as large as the settings let them be, which is all of the memory. */
export const bombedLimits: SandboxLimits = {
  ...sandboxLimits,
  memoryBytes: 512 * megabyte,
  workspaceBytes: 416 * megabyte,
  homeBytes: 32 * megabyte,
  tmpBytes: 64 * megabyte,
  processesMax: 64,
  // A sandbox whose processors are all taken answers late, and must not count as an orphan then.
  orphanSeconds: 300,
};

export const bombedFilesMax = 15_000;

const bomb = (name: string, command: string, check: Bomb['check'], timeoutMs = 60_000): Bomb => ({
  ...{ name, command, check, timeoutMs, outputBytesMax: 32_768 },
});
const python = (...lines: string[]) => `python3 - <<'END'\n${lines.join('\n')}\nEND`;

const isLost = (told: Told) => assert.equal(told, 'lost', told === 'lost' ? '' : told.output);
/** The command came to an end of its own and printed this. */
const prints = (pattern: RegExp) => (told: Told) => assert.match(endedBy('itself', told).output, pattern);
const endedBy = (by: 'itself' | 'time', told: Told): ExecResult => {
  assert.ok(told !== 'lost', 'the sandbox was lost');
  assert.equal(told.timedOut, by === 'time', JSON.stringify(told).slice(0, 1000));
  return told;
};

/** What was printed stays where the model can read it, and no more than asked for came to the server. */
const isCapped = (told: Told) => {
  const { output, bytesLeftOut, outputFile } = endedBy('time', told);
  assert.ok(output.length < 40_000, `${output.length} characters came`);
  assert.ok(bytesLeftOut > 100 * megabyte, `${bytesLeftOut} bytes were left out`);
  assert.match(outputFile ?? '', /^\/tmp\/backspace-output\//);
};

const places = ['/workspace', '/tmp', '/home/backspace', '/dev/shm'];

const noSpace: Bomb['check'] = async (told, sandbox) => {
  prints(new RegExp(places.map((place) => `no space in ${place}\n`).join('.*'), 's'))(told);
  await shell(sandbox, 'head -c 1G /dev/zero >/workspace/full || true');
  const written = await sandbox.write({ filepath: 'more.txt', content: 'x'.repeat(9000) }, soon());
  assert.match(JSON.stringify(written), /could not be written: ENOSPC/);
  await shell(sandbox, 'rm /workspace/full');
};

/** Also when it never comes to an end: who waits for it does so until the signal aborts. */
export const refusesSparseFile = async (files: () => Promise<unknown>): Promise<void> =>
  assert.rejects(files(), { code: 'changeset_refused', message: /^With disk\.img \(\d+ bytes\)/ });

const paths = async (sandbox: Sandbox) => (await sandbox.files([], soon())).map(({ path }) => path);

export const memoryOfOneProcess = bomb(
  'memory of one process',
  `python3 -c "b = bytearray(1 << 30); print('survived')"`,
  isLost,
);
export const threads = bomb(
  'thousands of threads',
  python(
    ...['import threading, time', 'threading.stack_size(65536)', 'n = 0', 'try:', '  while n < 5000:'],
    '    threading.Thread(target=time.sleep, args=(30,), daemon=True).start(); n += 1',
    'except RuntimeError as error: print(error)',
    "print(n, 'threads', flush=True)",
    'import os; os._exit(0)',
  ),
  (told) => {
    const { output } = endedBy('itself', told);
    assert.match(output, /can't start new thread/);
    const count = Number(/^(\d+) threads/m.exec(output)?.[1]);
    assert.ok(count <= bombedLimits.processesMax, `${count} threads were started`);
  },
);
export const endlessOutput = bomb('output without end', 'yes', isCapped, times(6_000, 30_000));

export const bombs: Bomb[] = [
  bomb(
    'fork bomb',
    ':(){ :|:& };:; sleep 60',
    // A machine that is busy may need longer to kill them all than the server waits.
    (told) => {
      if (told !== 'lost') assert.match(endedBy('time', told).output, /Resource temporarily unavailable/);
    },
    4_000,
  ),
  memoryOfOneProcess,
  bomb(
    'memory of many processes',
    "for i in $(seq 30); do python3 -c \"b = b'x' * (48 << 20); __import__('time').sleep(60)\" & done; wait",
    isLost,
  ),
  bomb(
    'memory of files',
    `for d in ${places.join(' ')}; do head -c 1G /dev/zero >$d/full; done; echo survived`,
    isLost,
  ),
  bomb(
    'full disks',
    `for d in ${places.join(' ')}; do head -c 1G /dev/zero >$d/full || echo "no space in $d"; rm $d/full; done`,
    noSpace,
  ),
  bomb(
    'file descriptors',
    python(
      ...['import os', 'n = 0', 'try:', '  while n < 100000: os.open("/dev/null", os.O_RDONLY); n += 1'],
      "except OSError as error: print(error, n < 4096 and 'in time')",
    ),
    prints(/Too many open files.* in time/),
  ),
  bomb('output of 10 GB', 'head -c 10G /dev/zero', isCapped, times(8_000, 400_000)),
  endlessOutput,
  bomb(
    'a million files',
    python(
      ...['import os', 'for d in range(1000):', '  os.mkdir(f"d{d}")'],
      '  for f in range(1000): os.close(os.open(f"d{d}/f{f}", os.O_CREAT))',
      "print('survived')",
    ),
    isLost,
  ),
  bomb(
    'more files than the server looks at',
    python('import os', 'for f in range(20000): os.close(os.open(f"f{f}", os.O_CREAT))'),
    async (told, sandbox) => {
      endedBy('itself', told);
      const refusal = { code: 'changeset_refused', message: /more files than the server looks at/ };
      await assert.rejects(sandbox.files([], soon()), refusal);
    },
  ),
  bomb(
    'many files in a very deep directory, and a deeper one',
    python(
      ...['import os', 'for depth in range(1500): os.mkdir("d"); os.chdir("d")'],
      'for f in range(900): os.close(os.open(f"f{f}", os.O_CREAT))',
      'for depth in range(20000): os.mkdir("d"); os.chdir("d")',
      'os.close(os.open("file", os.O_CREAT))',
    ),
    async (told, sandbox) => {
      endedBy('itself', told);
      assert.equal((await paths(sandbox)).length, 900);
    },
  ),
  bomb(
    'all processors',
    'for i in $(seq 16); do (while :; do :; done) & done; wait',
    (told) => void endedBy('time', told),
    5_000,
  ),
  threads,
  bomb('a sparse file of 40 GB', 'truncate -s 40G disk.img', async (told, sandbox) => {
    endedBy('itself', told);
    await refusesSparseFile(() => sandbox.files([], soon()));
    await shell(sandbox, 'echo disk.img >.gitignore');
    assert.deepEqual(await paths(sandbox), ['.gitignore']);
    assert.ok((await sandbox.search({ pattern: 'img', matchesMax: 10 }, soon())).ok);
  }),
  bomb(
    '10,000 names of 255 bytes',
    python('import os', 'for f in range(10000): os.close(os.open(f"{f:05d}" + "ü" * 125, os.O_CREAT))'),
    async (told, sandbox) => {
      endedBy('itself', told);
      assert.equal((await paths(sandbox)).length, 10_000);
      const listed = await sandbox.list({ filesMax: 500 }, soon());
      assert.ok(listed.ok && listed.more && listed.paths.length === 500);
    },
  ),
];
