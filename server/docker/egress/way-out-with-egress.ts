import type { WayOut } from '../../domain/sandbox.ts';
import type { Egress } from './tunnel.ts';

/**
 * Who decides about a request from inside: the egress about tunnels, whose path is the target of the CONNECT, and about
 * what is meant for a proxy; the gateway about everything else. No header takes part, so a Host that names another
 * target changes nothing.
 */
export const wayOutWithEgress =
  (gateway: WayOut, egress: Egress): WayOut =>
  async (request) => {
    const { method, path, body, signal } = request;
    if (method === 'CONNECT') return egress.connect({ authority: path, body, signal });
    return path.startsWith('/') ? gateway(request) : egress.refusePlain(path);
  };
