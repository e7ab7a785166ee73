import type { OpenEgress } from '../../domain/egress.ts';
import type { WayOut } from '../../domain/sandbox.ts';
import { choosePolicy, type EgressSettings } from './policy.ts';
import { createEgress, type EgressOptions, type Tunnels } from './tunnel.ts';

/** Everything between a job's sandboxes and the network: the policy for its repository, with limits of its own. */
export const createOpenEgress =
  (
    settings: EgressSettings,
    { limits, resolve, dial }: Pick<EgressOptions, 'limits' | 'resolve' | 'dial'>,
    choose = choosePolicy,
  ): OpenEgress =>
  (repository, onDenied) => {
    const tunnels = createEgress({ ...choose(settings, repository), limits, resolve, dial, onDenied });
    return { guard: (gateway) => wayOutWithEgress(gateway, tunnels), denials: tunnels.denials };
  };

/**
 * Who decides about a request from inside: the egress about tunnels, whose path is the target of the CONNECT, and about
 * what is meant for a proxy; the gateway about everything else. No header takes part, so a Host that names another
 * target changes nothing.
 */
export const wayOutWithEgress =
  (gateway: WayOut, egress: Tunnels): WayOut =>
  async (request) => {
    const { method, path, body, signal } = request;
    if (method === 'CONNECT') return egress.connect({ authority: path, body, signal });
    return path.startsWith('/') ? gateway(request) : egress.refusePlain(path);
  };
