import type { ChildProcess } from 'node:child_process';

/** Resolves when a program of ours has ended well and its output was read; rejects when not. */
export const ended = (child: ChildProcess, name: string, errors = () => ''): Promise<void> =>
  new Promise((resolve, reject) => {
    // Without a listener a program that cannot be started, for lack of processes, would end the toolbox.
    child.once('error', reject);
    child.once('close', (exitCode, signal) => {
      if (exitCode === 0) resolve();
      else reject(new Error(`${name} ended with ${exitCode ?? signal}. ${errors()}`.trim()));
    });
  });
