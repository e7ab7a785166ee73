import type { Fault } from '../forge/faults.ts';
import type { Fault as ModelFault } from '../model/scenario.ts';

/** The request is not performed, and will be when it is tried again. */
export const notDone = {
  'broken off': { instead: 'drop' },
  '502': { status: 502, body: '<html><title>Unicorn! · GitHub</title></html>' },
} satisfies Record<string, Fault>;

/** The request is performed, and the client does not hear of it. */
export const doneUnheard = {
  'done, answer lost': { afterwards: 'drop' },
  'done, no answer': { afterwards: 'silence' },
  'done, answered 502': { afterwards: { status: 502 } },
} satisfies Record<string, Fault>;

/** What only reading can meet: the forge would perform a change much later, when its client has gone. */
export const unanswered = { 'no answer': { delayMs: 60_000 } } satisfies Record<string, Fault>;

const secondary = {
  message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
  documentation_url: 'https://docs.github.com/rest/overview/rate-limits-for-the-rest-api',
};

/** docs.github.com, «Rate limits for the REST API»: 403 or 429, and the primary limit says when it is over. */
export const limited = {
  '403 with Retry-After': { status: 403, headers: { 'retry-after': '1' }, body: secondary },
  '403 of a secondary limit': { status: 403, body: secondary },
  '403 of the primary limit': {
    status: 403,
    headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '2000000000' },
    body: { message: 'API rate limit exceeded for user ID 1.' },
  },
  '429 with Retry-After': { status: 429, headers: { 'retry-after': '1' }, body: secondary },
  '429 alone': { status: 429, body: secondary },
} satisfies Record<string, Fault>;

/** What was made a moment ago. */
export const notShownYet = {
  'get ref': { status: 404, body: { message: 'Not Found' } },
  'list pulls': { status: 200, body: [] },
} satisfies Record<string, Fault>;

export const modelFaults = {
  '429 with Retry-After': { status: 429, headers: { 'retry-after': '0.2' } },
  '429 alone': { status: 429 },
  '529': { status: 529 },
  'error event in a 200': { errorEventAfter: 4, type: 'overloaded_error' },
  'cut in the middle': { cutAfterEvents: 4 },
  'no answer': { hang: true },
  'silence in the middle': { hangAfterEvents: 4 },
} satisfies Record<string, ModelFault>;
