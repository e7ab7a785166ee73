import { execFile } from 'node:child_process';
import os from 'node:os';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { sandboxRuntime } from '../support/docker.ts';

/** On what the numbers were measured. Numbers of two machines say nothing about each other. */
export type Machine = {
  cores: number;
  memoryGigabytes: number;
  kernel: string;
  engine: string;
  runsc: string;
  node: string;
  /** Mean number of processes that wanted a processor in the last minute, before the first bench. */
  load: number;
  date: string;
};

export const describeMachine = async (docker: Docker): Promise<Machine> => ({
  cores: os.availableParallelism(),
  memoryGigabytes: Math.round(os.totalmem() / 2 ** 30),
  kernel: os.release(),
  engine: (await docker.version()).Version,
  runsc: await runscVersion(docker),
  node: process.version,
  load: Math.round((os.loadavg()[0] ?? 0) * 100) / 100,
  date: new Date().toISOString().slice(0, 16).replace('T', ' '),
});

export const machineLine = (machine: Machine): string =>
  [
    `${machine.cores} cores, ${machine.memoryGigabytes} GB, load ${machine.load}`,
    `Linux ${machine.kernel}, Docker ${machine.engine}, runsc ${machine.runsc}, Node ${machine.node}`,
    `${machine.date} UTC`,
  ].join(' · ');

/** The engine knows the path only; on an engine elsewhere it is another host’s. */
const runscVersion = async (docker: Docker): Promise<string> => {
  const { Runtimes = {} } = (await docker.info()) as { Runtimes?: Record<string, { path?: string }> };
  const { stdout } = await promisify(execFile)(Runtimes[sandboxRuntime]?.path ?? 'runsc', [
    '--version',
  ]).catch(() => ({ stdout: '' }));
  return /version (\S+)/.exec(stdout)?.[1] ?? 'of an unknown version';
};
