import type { HeldJob } from '../domain/job.ts';
import type { JobFact } from '../domain/job-event.ts';
import type { Transcripts } from '../domain/transcript.ts';

/**
 * The transcript and what was told, with what this process adds to them: so that the agent can go on from its end here
 * as it would in another server's hands.
 */
export const growingTranscripts = (
  held: Pick<HeldJob, 'earlier' | 'unfinished' | 'save' | 'told'>,
): Transcripts & { told: readonly JobFact[] } => {
  const earlier = [...held.earlier];
  const told: JobFact[] = [...held.told];
  let { unfinished } = held;
  return {
    get earlier() {
      return [...earlier];
    },
    get told() {
      return [...told];
    },
    get unfinished() {
      return unfinished;
    },
    async save(entry, fact) {
      await held.save(entry, fact);
      earlier.push(entry);
      if (fact) told.push(fact);
      // Another reply was asked for and is stored: nothing is unfinished any more.
      if (entry.kind === 'reply') unfinished = [];
    },
  };
};
