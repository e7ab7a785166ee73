import type { APIError } from '@anthropic-ai/sdk';

/**
 * Whether the account may spend no more, or has nothing left. Anthropic says so with 402 (billing), with 400 (a limit
 * that its owner has set, a credit balance that is too low) and with 429 (the monthly limit of its tier or contract):
 * platform.claude.com/docs/en/api/errors and /rate-limits. Other endpoints have nothing but their words.
 */
export const isSpendLimit = (error: APIError, status: number | undefined, words: string): boolean => {
  if (status === 402 || error.type === 'billing_error') return true;
  if (error.errorCode !== null && codes.has(error.errorCode)) return true;
  const isRefusal = status === undefined || status === 400 || status === 403 || status === 429;
  return isRefusal && spoken.test(words) && !passing.test(words);
};

/** Of the SDK's types of errors, those about money. */
const codes: ReadonlySet<string> = new Set([
  'enforced_spend_limit_reached',
  'contract_spend_limit_reached',
  'linked_organization_spend_limit_reached',
  'linked_organization_billing_unavailable',
]);

const spoken =
  /credit balance|usage limits?\b|usage threshold|spend(?:ing)? (?:limit|cap)|out of credits|insufficient[ _](?:credits?|quota|balance|funds)|budget (?:has been )?exceeded|exceeded your (?:current )?quota/i;

/** An ordinary limit of some minutes. */
const passing = /\brate limit|per[ -](?:minute|second|hour)|concurren/i;
