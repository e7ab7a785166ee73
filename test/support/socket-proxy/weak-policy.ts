import { checkExec } from '../../../server/socket-proxy/exec-check.ts';
import type { Policy } from '../../../server/socket-proxy/policy.ts';
import { Refusal } from '../../../server/socket-proxy/refusal.ts';

/**
 * The design that this proxy is not: a list of what is known to be bad, and everything else goes through as it came.
 * Every rule of it was copied from somebody's hardening guide; the tests must find the ways around it.
 */
export const denyListPolicy: Policy = (method, target) => {
  const path = target.split('?')[0] ?? '';
  if (/^\/(build|commit|images\/create|volumes|networks|plugins|swarm|session|auth)/.test(path)) {
    throw new Refusal(403, 'This path is denied.');
  }
  if (/\/(attach|archive|export|update)$/.test(path)) throw new Refusal(403, 'This action is denied.');
  if (path.endsWith('/exec')) return { method, path: target, checkBody: checkExec };
  if (path.endsWith('/containers/create')) {
    return { method, path: target, checkBody: checkAgainstDenyList, creates: 'container' };
  }
  return { method, path: target };
};

const denied = ['Privileged', 'Binds', 'Mounts', 'Devices', 'CapAdd', 'PidMode', 'UsernsMode', 'VolumesFrom'];

const checkAgainstDenyList = (body: unknown): object => {
  const { HostConfig = {} } = body as { HostConfig?: Record<string, unknown> };
  for (const name of denied) {
    if (HostConfig[name]) throw new Refusal(403, `${name} is denied.`);
  }
  if (HostConfig.NetworkMode === 'host' || HostConfig.IpcMode === 'host') {
    throw new Refusal(403, 'Host modes are denied.');
  }
  return body as object;
};
