import { asAppError } from '../domain/errors.ts';
import type { Span } from '../domain/trace.ts';

/** Does the work; when it throws, the span ends with why. Whoever works ends the span when all went well. */
export const inSpan = async <T>(span: Span, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (thrown) {
    span.end({}, { error: thrown instanceof Error ? thrown.message : asAppError(thrown).message });
    throw thrown;
  }
};
