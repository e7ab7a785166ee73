import { z } from 'zod';
import { readAll } from './body.ts';
import { serverLabel } from './container-check.ts';
import type { Engine } from './engine.ts';
import type { Kind } from './policy.ts';
import { Refusal } from './refusal.ts';

/** Which containers and execs are the server's. Ids are never used again, so that an answer stays true. */
export type Ours = {
  /** One that was created through this proxy. */
  remember(kind: Kind, id: string): void;
  /** Throws Refusal for one that is not the server's. */
  require(kind: Kind, id: string, signal: AbortSignal): Promise<void>;
};

/** Enough for the execs that may be asked about; a container that dropped out is looked up again. */
const idsMax = 10_000;

export const createOurs = (engine: Engine): Ours => {
  const known = { container: new Set<string>(), exec: new Set<string>() };
  const remember = (kind: Kind, id: string) => {
    const ids = known[kind];
    ids.add(id);
    const [oldest] = ids;
    if (ids.size > idsMax && oldest !== undefined) ids.delete(oldest);
  };

  return {
    remember,
    async require(kind, id, signal) {
      if (known[kind].has(id)) return;
      // A label says nothing about who made an exec: one that an administrator opens in a sandbox is not the server’s.
      if (kind === 'exec') throw new Refusal(403, 'This exec was not created through this proxy.');
      if (!(await hasOurLabel(engine, id, signal))) {
        throw new Refusal(403, 'This container is not one of the server’s.');
      }
      remember(kind, id);
    },
  };
};

const inspectBytesMax = 4 << 20;

const inspectSchema = z.object({
  Id: z.string(),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
});

const hasOurLabel = async (engine: Engine, id: string, signal: AbortSignal): Promise<boolean> => {
  const response = await engine.request({ method: 'GET', path: `/containers/${id}/json` }, signal);
  const answer = await readAll(response, inspectBytesMax);
  // The server removes a container until it is told this.
  if (response.statusCode === 404) throw new Refusal(404, `No such container: ${id}`);
  if (response.statusCode !== 200)
    throw new Refusal(502, 'The engine could not say whose container this is.');
  const { Id, Config } = inspectSchema.parse(JSON.parse(answer.toString('utf8')));
  return Id === id && Object.hasOwn(Config.Labels ?? {}, serverLabel);
};
