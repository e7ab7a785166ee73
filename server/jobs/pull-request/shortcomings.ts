import type { AgentAnswer } from '../../agent/answer.ts';
import type { Evidence } from '../../domain/checks/evidence.ts';
import { quote } from '../../domain/quote.ts';
import { codeSpan, sentence } from './markdown.ts';

const checksNamedMax = 5;
const commandCharactersMax = 120;
const messageCharactersMax = 500;

/** Why the change should not be merged as it is, one sentence each; with any of them the pull request is a draft. */
export const shortcomings = (
  { incomplete }: AgentAnswer,
  evidence: Evidence | undefined,
): readonly string[] => {
  const broken = evidence?.checks.filter(({ verdict }) => verdict === 'broken') ?? [];
  const named = broken.slice(0, checksNamedMax);
  const sentences = named.map(
    ({ command, after }) =>
      `${codeSpan(command, commandCharactersMax)} passed before this change and ${after.status === 'failed' ? 'fails' : 'cannot run'} with it.`,
  );
  // Nobody can say that it failed before.
  const failing = (evidence?.checks ?? []).filter(
    ({ verdict, before }) => verdict === 'broken_before' && before.status === 'could_not_run',
  );
  for (const { command } of failing.slice(0, checksNamedMax)) {
    sentences.push(
      `${codeSpan(command, commandCharactersMax)} fails, and could not be run without this change.`,
    );
  }
  const more = broken.length - named.length;
  if (more > 0) sentences.push(`So ${more === 1 ? 'does one more check' : `do ${more} more checks`}.`);
  if (incomplete !== undefined) {
    const why = sentence(incomplete.message, messageCharactersMax);
    sentences.push(`The work is incomplete: ${why} What there was until then is here.`);
  }
  return sentences;
};

/** The first that a reader sees; empty when nothing is wrong. */
export const warning = (sentences: readonly string[]): string => {
  if (sentences.length === 0) return '';
  const [only] = sentences;
  const text = sentences.length === 1 ? only : sentences.map((line) => `- ${line}`).join('\n');
  return quote(`[!WARNING]\n**Not to be merged as it is.**\n\n${text}`);
};
