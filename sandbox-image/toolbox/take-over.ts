import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Ends the toolbox of a server before this one: one that was only stopped would go on with its calls, and holds the port
 * of the way out. To be asked before this server's own way out is started.
 */
export const takeOver = async (): Promise<object> => {
  const roundsMax = 100;
  for (let round = 0; round < roundsMax; round++) {
    const others = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isFormerToolbox(name));
    if (others.length === 0) break;
    for (const pid of others) kill(Number(pid));
    await sleep(20);
  }
  return { ok: true };
};

const isFormerToolbox = (pid: string): boolean => {
  if (Number(pid) === process.pid) return false;
  try {
    return /\/toolbox\/(calls|way-out)\.[jt]s\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
  } catch {
    return false;
  }
};

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended between the look and the signal.
  }
};
