import type { CheckEvidence, CheckRun, Evidence } from '../../domain/checks/evidence.ts';
import type { Story } from './text.ts';

/**
 * Without secrets in what is cut to size later: half of one would no longer be known as such. The agent's answer came
 * redacted; the request and what checks print did not.
 */
export const redacted = (story: Story, redact: (text: string) => string): Story => {
  const { id, request } = story.job;
  return {
    ...story,
    job: { id, request: { ...request, prompt: redact(request.prompt) } },
    evidence: story.evidence && redactedEvidence(story.evidence, redact),
  };
};

const redactedEvidence = (evidence: Evidence, redact: (text: string) => string): Evidence => {
  const run = (of: CheckRun): CheckRun => ({
    ...of,
    output: redact(of.output),
    ...(of.reason === undefined ? {} : { reason: redact(of.reason) }),
  });
  const check = ({ afterWithBaseFiles, ...rest }: CheckEvidence): CheckEvidence => ({
    ...rest,
    command: redact(rest.command),
    before: run(rest.before),
    after: run(rest.after),
    ...(afterWithBaseFiles && { afterWithBaseFiles: run(afterWithBaseFiles) }),
  });
  return {
    ...evidence,
    checks: evidence.checks.map(check),
    setup: evidence.setup.map(redact),
    notes: evidence.notes.map(redact),
  };
};
