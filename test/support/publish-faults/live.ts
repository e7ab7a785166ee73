import { asAppError } from '../../../server/domain/errors.ts';
import type { GitHub } from '../../../server/domain/github.ts';
import type { JobFact, Saved } from '../../../server/domain/job-event.ts';
import { startProgress } from '../../../server/jobs/progress.ts';
import { publish } from '../../../server/jobs/publish.ts';
import { pieces } from '../github.ts';
import type { End } from './combination.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

export type Outcome = { end: End; message: string; facts: JobFact[]; saved: Saved };

/** A server that takes the job over where its work is done, and publishes it; `died` ends it. */
export const live = async (
  { job, base, pack }: World,
  { answer, files }: Work,
  github: GitHub,
  died: AbortSignal,
): Promise<Outcome> => {
  const facts: JobFact[] = [];
  const progress = startProgress();
  await using baseRepository = await github.receiveBase(base, pieces(pack), died);
  const identity = { name: 'Backspace', email: 'bot@example.com' };
  const emit = async (fact: JobFact) => void facts.push(fact);
  const endAs = (end: End, message = ''): Outcome => ({ end, message, facts, saved: progress.saved });
  try {
    await publish(
      {
        ...{ job, answer, changeset: { files, leftOut: [] }, evidence: undefined, model: 'scripted' },
        ...{ baseRepository, identity, onCommit: async () => {} },
      },
      { github, emit, progress, redact: (text) => text },
      died,
    );
    return endAs('published');
  } catch (thrown) {
    if (died.aborted) return endAs('dead');
    const { code, message } = asAppError(thrown);
    if (code === 'internal') throw thrown;
    return endAs(code, message);
  }
};
