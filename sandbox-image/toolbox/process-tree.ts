import { readdirSync, readFileSync } from 'node:fs';
import { isInImage } from './workspace.ts';

/** The variable that every process of a command inherits, so that one which left its group is found again. */
export const callVariable = 'BACKSPACE_CALL';

/** A running command: where it began, and when, in ticks of the kernel's clock. */
export type RunningCall = { id: string; pid: number; startTicks: number; leavesNothing: boolean };

/**
 * Kills a command with everything it started. Neither its group is enough (setsid leaves it) nor its descendants (a
 * double fork loses them) nor the inherited variable (`env -i` drops it): whatever began to run after the command did,
 * and is marked as no other command's, is the command's. A process can mark itself as it likes, so no mark helps it
 * where the command is to leave nothing: no other command runs then.
 */
export const killCall = (call: RunningCall): void => {
  // The shell that dies among stopped ones would have its whole group hung up, older processes included. So at first
  // none is stopped.
  for (const victim of findVictims(call)) signal(victim, 'SIGKILL');
  killForkers(call);
};

/** Who forks without end fills each place that a killed one leaves: all are stopped before any is killed. */
const killForkers = (call: RunningCall): void => {
  const roundsMax = 20;
  const stopped = new Set<number>();
  for (let round = 0; round < roundsMax; round++) {
    const victims = findVictims(call).filter((victim) => !stopped.has(victim));
    if (victims.length === 0) break;
    for (const victim of victims) {
      signal(victim, 'SIGSTOP');
      stopped.add(victim);
    }
  }
  for (const victim of stopped) signal(victim, 'SIGKILL');
};

const ticksPerSecond = 100;
const bootedAt = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) - performance.now() / 1000;

/** Now, on the clock that /proc/PID/stat tells a process's start by. */
export const ticksNow = (): number => Math.floor((bootedAt + performance.now() / 1000) * ticksPerSecond) - 1;

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch {
    // It ended between the look and the signal.
  }
};

const findVictims = (call: RunningCall): number[] => {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), ...readStat(name), mark: markOf(name) }))
    .filter(({ state }) => state !== 'Z');
  return victimsAmong(processes, call, { toolbox: process.pid, isInImage });
};

export type SeenProcess = { pid: number; parent: number; startTicks: number; mark: string | undefined };

export const victimsAmong = (
  processes: readonly SeenProcess[],
  call: RunningCall,
  { toolbox, isInImage }: { toolbox: number; isInImage: boolean },
): number[] => {
  // What the toolbox itself has started for other calls, and what came of it.
  const others = family(
    processes,
    processes.filter(({ pid, parent }) => parent === toolbox && pid !== call.pid).map(({ pid }) => pid),
  );
  const own = family(processes, [call.pid]);
  return (
    processes
      .filter(({ pid, parent, mark, startTicks }) => {
        // Both halves of the toolbox, of the next server's, too, are started from outside: no command gets such a parent.
        if (pid === toolbox || (isInImage && parent === 0)) return false;
        if (mark === call.id || pid === call.pid) return true;
        if (mark !== undefined && !call.leavesNothing) return false;
        // Outside of a sandbox there are processes that are nobody's command.
        return startTicks >= call.startTicks && (own.has(pid) || (isInImage && !others.has(pid)));
      })
      // Parents first: a shell that lives to see its child die would say so in the output.
      .toSorted((one, other) => one.startTicks - other.startTicks || one.pid - other.pid)
      .map(({ pid }) => pid)
  );
};

const family = (
  processes: readonly { pid: number; parent: number }[],
  roots: readonly number[],
): Set<number> => {
  const members = new Set(roots);
  for (let size = -1; size !== members.size; ) {
    size = members.size;
    for (const { pid, parent } of processes) if (members.has(parent)) members.add(pid);
  }
  return members;
};

type Stat = { state: string; parent: number; startTicks: number };

/** Fields of /proc/PID/stat after the command name, which may itself hold spaces and brackets. */
const readStat = (pid: string): Stat => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? 'Z', parent: Number(fields[1]), startTicks: Number(fields[19]) };
  } catch {
    return { state: 'Z', parent: -1, startTicks: -1 };
  }
};

/** The call that a process belongs to, as far as it says so. */
const markOf = (pid: string): string | undefined => {
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    return variables.find((line) => line.startsWith(`${callVariable}=`))?.slice(callVariable.length + 1);
  } catch {
    return undefined;
  }
};
