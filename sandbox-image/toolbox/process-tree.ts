import { readdirSync, readFileSync } from 'node:fs';

/** The variable that every process of a command inherits, so that one which left its group is found again. */
export const callVariable = 'BACKSPACE_CALL';

/**
 * Kills a command with everything it started. The group is not enough (setsid leaves it) and neither are parents
 * (a double fork loses them), so three ways are joined: group, ancestry, and the inherited variable. All are stopped
 * before any is killed, since who forks without end fills each place that a killed one leaves.
 */
export const killTree = (pid: number, callId: string): void => {
  const roundsMax = 20;
  const stopped = new Set<number>();
  for (let round = 0; round < roundsMax; round++) {
    const victims = findProcesses(pid, callId).filter((victim) => !stopped.has(victim));
    if (victims.length === 0) break;
    for (const victim of victims) {
      signal(victim, 'SIGSTOP');
      stopped.add(victim);
    }
  }
  for (const victim of stopped) signal(victim, 'SIGKILL');
};

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch {
    // It ended between the look and the signal.
  }
};

const findProcesses = (root: number, callId: string): number[] => {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), ...readStat(name), marked: isMarked(name, callId) }))
    .filter(({ pid, state }) => pid !== process.pid && state !== 'Z');
  const family = new Set([root]);
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const { pid, parent } of processes) if (family.has(parent)) family.add(pid);
  }
  return processes
    .filter(({ pid, group, marked }) => family.has(pid) || group === root || marked)
    .map(({ pid }) => pid);
};

/** Fields of /proc/PID/stat after the command name, which may itself hold spaces and brackets. */
const readStat = (pid: string): { state: string; parent: number; group: number } => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state = 'Z', parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent), group: Number(group) };
  } catch {
    return { state: 'Z', parent: -1, group: -1 };
  }
};

const isMarked = (pid: string, callId: string): boolean => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${callVariable}=${callId}`);
  } catch {
    return false;
  }
};
