import type { Log } from '../domain/log.ts';
import type { Span } from '../domain/trace.ts';

/** Does one step of a job with its own chain in the trace and its own line in the log. */
export type Step = <T>(name: string, action: (span: Span) => Promise<T>) => Promise<T>;

export const createSteps =
  (jobId: string, root: Span, log: Log): Step =>
  async (name, action) => {
    const started = performance.now();
    const span = root.child('chain', name, {});
    const line = () => ({ jobId, step: name, ms: Math.round(performance.now() - started) });
    try {
      const result = await action(span);
      span.end();
      log.info(line(), 'step done');
      return result;
    } catch (error) {
      span.end({}, { error: error instanceof Error ? error.message : String(error) });
      log.warn(line(), 'step failed');
      throw error;
    }
  };
