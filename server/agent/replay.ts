import { AppError } from '../domain/errors.ts';
import type { JobFact } from '../domain/job-event.ts';
import type { ModelReply, ToolResult } from '../domain/model.ts';
import type { TranscriptEntry } from '../domain/transcript.ts';

/**
 * What earlier holders of the job have stored of its transcript, in its order. What follows from it is done again without
 * asking anybody: neither the model nor a tool is called twice for the same.
 */
export type Replay = {
  /** undefined when this reply is yet to be asked for. */
  reply(): ModelReply | undefined;
  /** undefined when this call has no result yet. */
  result(callId: string): ToolResult | undefined;
  /** What the model was told at this place. */
  notes(): Note[];
  isNote(): boolean;
  /** What was compacted between the notes: given once. */
  compactions(): CompactionEntry[];
  /** What was told of the reply that was not complete: given once, for the first one that is asked for. */
  unfinished(): readonly JobFact[];
};

type Note = Extract<TranscriptEntry, { kind: 'note' }>;
export type CompactionEntry = Extract<TranscriptEntry, { kind: 'compaction' }>;

export const createReplay = (entries: readonly TranscriptEntry[], unfinished: readonly JobFact[]): Replay => {
  let at = 0;
  let left = unfinished;
  let compactions: CompactionEntry[] = [];
  const isNote = () => entries[at]?.kind === 'note';
  /** Only the end may be missing. */
  const missing = (what: string): undefined => {
    if (at < entries.length) throw new AppError('internal', `The stored transcript has no ${what} at ${at}.`);
  };

  return {
    reply() {
      const entry = entries[at];
      if (entry?.kind !== 'reply') return missing('reply');
      at += 1;
      return entry.reply;
    },
    result(callId) {
      const entry = entries[at];
      if (entry?.kind !== 'result' || entry.result.toolUseId !== callId)
        return missing(`result of ${callId}`);
      at += 1;
      return entry.result;
    },
    notes() {
      const notes: Note[] = [];
      for (let entry = entries[at]; entry !== undefined; entry = entries[at]) {
        if (entry.kind === 'note') notes.push(entry);
        else if (entry.kind === 'compaction') compactions.push(entry);
        else break;
        at += 1;
      }
      return notes;
    },
    isNote,
    compactions() {
      const once = compactions;
      compactions = [];
      return once;
    },
    unfinished() {
      const once = left;
      left = [];
      return once;
    },
  };
};
