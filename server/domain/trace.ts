import type { Usage } from './job-event.ts';

export type SpanKind = 'chain' | 'llm' | 'tool';

/**
 * One run in the trace of a job. Nothing here throws or waits: a dead tracing service must not change a job. An
 * `end` without outputs is fine; a span that is ended twice keeps its first end.
 */
export type Span = {
  /** undefined where nothing is traced. */
  url: string | undefined;
  child(kind: SpanKind, name: string, inputs: Record<string, unknown>): Span;
  end(outputs?: Record<string, unknown>, options?: { error?: string; usage?: Omit<Usage, 'turns'> }): void;
};

export type Trace = {
  start(job: { id: string; metadata: Record<string, string> }, inputs: Record<string, unknown>): Span;
  /** Sends what is pending, for at most `timeoutMs`. */
  flush(timeoutMs: number): Promise<void>;
};
