import type { JobFact } from './job-event.ts';
import type { ModelReply, ToolResult } from './model.ts';

/** One step of the agent's talk with the model, stored before the next step depends on it. */
export type TranscriptEntry =
  | { kind: 'reply'; reply: ModelReply }
  | { kind: 'result'; result: ToolResult }
  /** What the server says to the model, apart from what follows from the reply alone. */
  | { kind: 'note'; text: string; about?: NoteTopic }
  /** From here on the model is sent less than what is stored. `usage`: what it took to get there. */
  | { kind: 'compaction'; compaction: Compaction; usage: ModelReply['usage'] };

/** What the model is no longer sent. Each one takes the place of the earlier ones of its kind. */
export type Compaction = {
  /** How many messages there were: what the model has thought in them is no longer sent either. */
  messages: number;
} & (
  | /** So many tool results, counted from the first of the job, are sent as a note that they were there. */
  { how: 'results_cleared'; results: number }
  /** The messages behind the first one and before this one, counted from 0, are sent as a summary. */
  | { how: 'summarized'; before: number; summary: string }
);

/**
 * `checks`: the work was said to be done, and its checks fail. `limit`: it is time to come to an end. `stuck`: what was
 * done of late brings the job no further.
 */
export type NoteTopic = 'checks' | 'limit' | 'stuck';

/** The transcript of a job, as far as it was stored, and the place for what comes. */
export type Transcripts = {
  /** What earlier holders of the job have stored, oldest first. */
  earlier: readonly TranscriptEntry[];
  /** What was told of a model reply that was not stored any more: it will be asked for again. */
  unfinished: readonly JobFact[];
  /** Stores the entry, and with it the event that tells it. */
  save(entry: TranscriptEntry, fact?: JobFact): Promise<void>;
};
