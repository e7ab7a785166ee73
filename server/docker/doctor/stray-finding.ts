import type Docker from 'dockerode';
import { type Finding, finding } from './finding.ts';
import { findStrayProcesses } from './stray-processes.ts';

/**
 * For who looks after the host, and no part of the examination: what a failed start has left behind takes memory, but
 * opens no sandbox. Within a container of its own the server sees no process of the host's.
 */
export const strayFinding = async (docker: Docker): Promise<Finding> => {
  const found = await findStrayProcesses(docker);
  const where =
    found === undefined ? 'the engine is on another host' : 'none without a container is seen from here';
  const shown = (found ?? []).map(({ pid, containerId }) => `${pid} of ${containerId.slice(0, 12)}`);
  const detail = shown.length > 0 ? `without a container: ${shown.join(', ')}` : where;
  return finding('processes left', shown.length === 0, detail, 'kill these processes on the host');
};
