import type { AgentAnswer } from '../../agent/answer.ts';
import type { Changeset } from '../../domain/changeset.ts';
import type { Evidence } from '../../domain/checks/evidence.ts';
import type { DenialReport } from '../../domain/egress.ts';
import type { Job } from '../../domain/job.ts';
import type { Usage } from '../../domain/job-event.ts';
import { quote } from '../../domain/quote.ts';
import { cut, withoutHidden } from '../../domain/visible-text.ts';
import { agentsCommands } from './agents-commands.ts';
import { checkResults } from './check-results.ts';
import { withoutClosing } from './closing-words.ts';
import { fitFences } from './fences.ts';
import { footer } from './footer.ts';
import { cleanMarkdown, cutMark } from './markdown.ts';
import { shortcomings, warning } from './shortcomings.ts';
import { whatToLookAt } from './what-to-look-at.ts';

/** All that the text of a pull request tells of. */
export type Story = {
  job: Pick<Job, 'id' | 'request'>;
  answer: AgentAnswer;
  changeset: Changeset;
  /** Paths of the base commit. */
  baseFiles: ReadonlyMap<string, unknown>;
  /** undefined when the server has checked nothing. */
  evidence: Evidence | undefined;
  denials: DenialReport;
  usage: Usage;
  /** The model's name. */
  model: string;
};

/**
 * GitHub takes 65,536 characters. Each part has its own limit, so that none can push the others out, and the description
 * has what they leave. Room is kept for secrets that become longer when they are taken out.
 */
const bodyCharactersMax = 64_000;
const descriptionCharactersMax = 30_000;
const requestCharactersMax = 6_000;

/**
 * Title and body of the pull request. What the model wrote is cleaned, since it may have been taken over by text in
 * the repository; what the server knows stands around it, in the server's words: what is wrong first.
 */
export const pullRequestText = (story: Story): { title: string; body: string; draft: boolean } => {
  const { job, answer, evidence } = story;
  const closingNothing = (text: string) => withoutClosing(text, job.request);
  const wrong = shortcomings(answer, evidence).map(closingNothing);
  const below = [
    `## Checks\n\n${checkResults(evidence)}`,
    agentsCommands(answer),
    whatToLookAt(story),
    `## Request\n\n${cut(quote(cleanMarkdown(job.request.prompt)), requestCharactersMax, cutMark)}`,
    footer(story),
  ].map(closingNothing);
  const others = [warning(wrong), ...below].filter((section) => section !== '');
  const left = bodyCharactersMax - others.join('\n\n').length;
  const description = fitFences(
    closingNothing(withOwnHeadings(cleanMarkdown(answer.description))),
    Math.min(left, descriptionCharactersMax),
  );
  const sections = [warning(wrong), description, ...below].filter((section) => section !== '');
  return {
    title: closingNothing(withoutHidden(answer.title)),
    body: sections.join('\n\n'),
    draft: wrong.length > 0,
  };
};

/** A section of the agent's that is called like one of the server's says whose words it holds. */
const withOwnHeadings = (text: string): string =>
  text.replaceAll(
    /^([ \t>]{0,9}(?:#{1,6}[ \t]*)?[*_]{0,3})(checks|noticed by the server|request)([*_]{0,3}[ \t]*:?[*_]{0,3}[ \t#]*)$/gim,
    '$1$2 (the agent’s words)$3',
  );
