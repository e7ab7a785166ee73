import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SeenProcess, victimsAmong } from '../../../sandbox-image/toolbox/process-tree.ts';

/** As they are in a sandbox: the first process and both halves of the toolbox have no parent there. */
const processes: readonly SeenProcess[] = [
  { pid: 1, parent: 0, startTicks: 13, mark: undefined },
  { pid: 2, parent: 1, startTicks: 17, mark: undefined },
  { pid: 3, parent: 0, startTicks: 25, mark: undefined },
  { pid: 11, parent: 0, startTicks: 58, mark: undefined },
  // The kept shell of now and what an earlier command has left; then the call.
  { pid: 10, parent: 3, startTicks: 45, mark: undefined },
  { pid: 15, parent: 1, startTicks: 70, mark: 'earlier' },
  { pid: 20, parent: 3, startTicks: 100, mark: 'call' },
  { pid: 21, parent: 20, startTicks: 101, mark: 'call' },
  { pid: 22, parent: 1, startTicks: 102, mark: undefined },
  // Marked by itself as another command's, once still a child, once an orphan.
  { pid: 23, parent: 20, startTicks: 103, mark: 'forged' },
  { pid: 24, parent: 1, startTicks: 104, mark: 'forged' },
  // A shell that took the place of the kept one meanwhile, a program of the toolbox's own, and the next server's toolbox.
  { pid: 30, parent: 3, startTicks: 105, mark: undefined },
  { pid: 31, parent: 3, startTicks: 105, mark: undefined },
  { pid: 32, parent: 31, startTicks: 106, mark: undefined },
  { pid: 40, parent: 0, startTicks: 107, mark: undefined },
];
const call = { id: 'call', pid: 20, startTicks: 100 };
const inSandbox = { toolbox: 3, isInImage: true };

test('a command that is to leave nothing takes all with it that began since, whatever its mark, but nothing of the toolbox’s', () => {
  assert.deepEqual(
    victimsAmong(processes, { ...call, leavesNothing: true }, inSandbox),
    [20, 21, 22, 23, 24],
  );
});

test('any other command spares what is marked as another one’s', () => {
  assert.deepEqual(victimsAmong(processes, { ...call, leavesNothing: false }, inSandbox), [20, 21, 22]);
});

test('outside of a sandbox nothing dies that is not of the command’s family', () => {
  const outside = { toolbox: 3, isInImage: false };
  assert.deepEqual(victimsAmong(processes, { ...call, leavesNothing: true }, outside), [20, 21, 23]);
});
