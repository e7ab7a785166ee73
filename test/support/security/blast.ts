import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../../server/domain/errors.ts';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { shell, soon, type TestSandboxes } from '../sandboxes.ts';
import type { Bomb, Told } from './bombs.ts';

/** How much this process may grow while a bomb goes off; it is the server then. */
const grownBytesMax = 150 << 20;
/** Docker and gVisor have so long to take a sandbox away that was disposed. */
const goneMs = 60_000;

/**
 * Lets a bomb go off in a sandbox of its own while the neighbour works, and fails when the model is told something else
 * than it must be, when the sandbox is neither lost nor works on, when its container stays, when the neighbour is
 * harmed, or when the server does not stay as small as it was.
 */
export const explode = async (bomb: Bomb, sandboxes: TestSandboxes, neighbour: Sandbox): Promise<void> => {
  const sandbox = await sandboxes.acquire('bombed', soon());
  const work = startWork(neighbour);
  const memory = watchMemory();
  try {
    const told = await goOff(bomb, sandbox);
    await bomb.check(told, sandbox);
    assert.equal(sandbox.lost.aborted, told === 'lost');
    if (told !== 'lost') await worksOn(sandbox);
  } finally {
    await sandbox[Symbol.asyncDispose]();
    memory.end();
    await work.end();
  }
  await isGone(sandboxes, sandbox.id);
  assert.ok(memory.grownBytes() < grownBytesMax, `the server grew by ${memory.grownBytes() >> 20} MB`);
};

const goOff = async (bomb: Bomb, sandbox: Sandbox): Promise<Told> => {
  // The production code's own limit, with which it gives a command up that does not end in time, comes before.
  const signal = AbortSignal.timeout(bomb.timeoutMs + 60_000);
  try {
    return await sandbox.exec(bomb, signal);
  } catch (error) {
    if (error instanceof AppError && error.code === 'sandbox_lost') return 'lost';
    throw error;
  }
};

/** One of each kind of call. */
const worksOn = async (sandbox: Sandbox): Promise<void> => {
  assert.equal(
    await shell(sandbox, 'mkdir -p still/there && cd still/there && echo alive; cd /workspace'),
    'alive',
  );
  assert.ok((await sandbox.write({ filepath: 'still/there/a.txt', content: 'one\n' }, soon())).ok);
  const edit = { filepath: 'still/there/a.txt', edits: [{ old_str: 'one', new_str: 'two' }] };
  assert.ok((await sandbox.edit(edit, soon())).ok);
  const read = await sandbox.read({ filepath: 'still/there/a.txt', bytesMax: 100 }, soon());
  assert.equal(read.ok && read.content, 'two');
  const listed = await sandbox.list({ path: 'still', filesMax: 10 }, soon());
  assert.deepEqual(listed, { ok: true, paths: ['still/there/a.txt'], more: false });
};

/** Does in another sandbox what jobs do, again and again until it is ended; each call may take a minute at most. */
const startWork = (sandbox: Sandbox): { end(): Promise<void> } => {
  let isOver = false;
  const round = async (number: number) => {
    const filepath = `work/${number}.txt`;
    await sandbox.write({ filepath, content: `round ${number}\nto do\n` }, soon());
    assert.ok((await sandbox.edit({ filepath, edits: [{ old_str: 'to do', new_str: 'done' }] }, soon())).ok);
    assert.equal(await shell(sandbox, `tail -n 1 ${filepath}; seq 1000 | sort -n | tail -n 1`), 'done\n1000');
    const { paths } = (await sandbox.list({ path: 'work', filesMax: 10 }, soon())) as { paths: string[] };
    const files = await sandbox.files([], soon());
    const contents = await sandbox.contents(files, soon());
    assert.deepEqual([paths, contents.map(String)], [[filepath], [`round ${number}\ndone\n`]]);
    await shell(sandbox, 'rm -r work');
    assert.equal(sandbox.lost.aborted, false);
  };
  const working = (async () => {
    for (let number = 1; !isOver || number === 1; number++) await round(number);
  })();
  working.catch(() => {});
  return {
    async end() {
      isOver = true;
      await working;
    },
  };
};

const watchMemory = () => {
  const { rss: before } = process.memoryUsage();
  let peak = before;
  const look = () => {
    peak = Math.max(peak, process.memoryUsage().rss);
  };
  const timer = setInterval(look, 50);
  return {
    grownBytes: () => peak - before,
    end: () => {
      look();
      clearInterval(timer);
    },
  };
};

const isGone = async (sandboxes: TestSandboxes, id: string): Promise<void> => {
  for (let waited = 0; (await sandboxes.containers()).includes(id); waited += 200) {
    assert.ok(waited < goneMs, `its container is there ${goneMs / 1000} s later`);
    await sleep(200);
  }
};
