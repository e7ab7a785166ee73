import { failure, ok, type Route } from './rest-answer.ts';
import { forgeLogin, userShape } from './shapes.ts';

export const getUser: Route = async (world, { caller }) => {
  if (caller === 'anonymous') return failure(401, 'Requires authentication');
  const date = '2026-01-01T00:00:00Z';
  return ok({ ...userShape(world, forgeLogin), created_at: date, updated_at: date });
};

export const getRateLimit: Route = async (_world, { caller }) => {
  const core = rateLimit(caller === 'anonymous', 0);
  return ok({ rate: core, resources: { core, search: core } });
};

/** GitHub's numbers for a token and for nobody; the forge counts, but never refuses. */
export const rateLimit = (anonymous: boolean, used: number) => {
  const limit = anonymous ? 60 : 5_000;
  const reset = Math.floor(Date.now() / 1_000) + 3_600;
  return { limit, used: Math.min(used, limit - 1), remaining: Math.max(limit - used, 1), reset };
};
