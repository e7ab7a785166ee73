import { systemClock } from './clock.js';
import { createLinks } from './links.js';
import { problem } from './problem.js';
import { createRateLimit } from './rate-limit.js';

/** Answers `{ method, path, headers, body }`; header names are in lower case. */
export const createApp = ({ clock = systemClock } = {}) => {
  const startedAt = clock();
  const links = createLinks();
  const secondsToWait = createRateLimit(clock);
  return ({ method, path, headers, body }) => {
    const seconds = secondsToWait(headers['x-client'] ?? '');
    if (seconds > 0) return problem('too_many_requests', `Try again in ${seconds} s`, { 'retry-after': String(seconds) });
    const [, route, code] = path.split('/');
    if (route === 'health') return { status: 200, headers: {}, body: { upMs: clock() - startedAt } };
    if (route === 'links' && method === 'POST') return links.add(body);
    if (route === 'links' && method === 'GET' && code) return links.follow(code);
    return problem('not_found', `There is no ${method} ${path}`);
  };
};
