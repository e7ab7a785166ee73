import type { Emit, JobFact } from './job-event.ts';
import type { ToolDefinition } from './model.ts';

/** What came of a tool call: the text for the model, and the fact for everybody who watches the job. */
export type ToolOutcome = {
  content: string;
  /** The call failed in a way that the model can mend: `content` says how. */
  isError: boolean;
  fact: JobFact;
};

/**
 * Something that the model may call. A failure that the model can mend is an outcome, input that does not fit the
 * schema included; a lost sandbox and an aborted signal throw. `emit` is for what is worth telling while it runs.
 */
export type Tool = {
  definition: ToolDefinition;
  /** It changes nothing that another call could see, so that several may run at the same time. */
  isReadOnly: boolean;
  run(input: unknown, callId: string, signal: AbortSignal, emit: Emit): Promise<ToolOutcome>;
};
