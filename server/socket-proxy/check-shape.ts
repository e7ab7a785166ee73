import type { z } from 'zod';
import { Refusal, shorten } from './refusal.ts';

/** Gives back what may be forwarded; throws Refusal. */
export type BodyCheck = (body: unknown) => object;

/**
 * A body passes when each field is known and allowed. What is forwarded is what the schema gave back, written anew:
 * doubled keys, other spellings of a key (Docker ignores their case) and odd bytes do not get that far.
 */
export const checkShape =
  (schema: z.ZodType<object>): BodyCheck =>
  (body) => {
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    // What is there and must not be says more than what is missing.
    const issues = parsed.error.issues.toSorted((a, b) => Number(isForeign(b)) - Number(isForeign(a)));
    throw new Refusal(403, shorten(issues.map(describeIssue).join(' ')));
  };

const isForeign = (issue: z.core.$ZodIssue) => issue.code === 'unrecognized_keys';

const describeIssue = (issue: z.core.$ZodIssue): string => {
  if (issue.code === 'unrecognized_keys') {
    const fields = issue.keys.map((key) => nameOf([...issue.path, key]));
    return `No sandbox has ${fields.join(', ')}.`;
  }
  return `${nameOf(issue.path)} is not as a sandbox has it: ${issue.message}.`;
};

const nameOf = (path: readonly PropertyKey[]): string =>
  path.length === 0 ? 'The body' : path.map(String).join('.');
