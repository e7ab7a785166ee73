import { duplexPair } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { openCalls } from '../../server/docker/calls.ts';

/**
 * A program of its own, since what it tries ends a process that cannot bear it: `node hostile-frames.ts HEX…` gives
 * the pieces to the server's side of the calls as a toolbox's answer, and says «survived» when it is still there.
 */
const [near, far] = duplexPair();
near.on('error', () => {});
far.on('error', () => {});
far.resume();
const calls = openCalls(near);
const ask = () => calls.ask('/hello', {}, z.unknown(), AbortSignal.timeout(300)).catch(() => {});
// One call is under way when the frames come, another begins behind them.
const before = ask();
for (const frames of ['000000040000000000', ...process.argv.slice(2)]) {
  far.write(Buffer.from(frames, 'hex'));
  await sleep(20);
}
await Promise.all([before, ask()]);
process.stdout.write('survived\n');
process.exit(0);
