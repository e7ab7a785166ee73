import type { JobRequest } from '../../domain/job.ts';
import { zeroWidthSpace } from './markdown.ts';

/**
 * GitHub closes an issue when a pull request is merged that says «fixes #12» in its description or in a commit. What an
 * agent writes it may write by order of a text in the repository, so that nothing is closed but what the request names:
 * everywhere else the word is broken where nobody sees it. In code, too: a merge can make the description the message of
 * a commit, where nothing is code.
 */
export const withoutClosing = (
  text: string,
  { prompt, repository }: Pick<JobRequest, 'prompt' | 'repository'>,
): string => {
  const issueOf = ({ owner = repository.owner, name = repository.name, number, own }: Reference): string =>
    `${owner}/${name}#${Number(number ?? own)}`.toLowerCase();
  const named = new Set([...prompt.matchAll(reference)].map(({ groups }) => issueOf(groups ?? {})));
  return text.replace(closing, (whole: string, ...rest: unknown[]) =>
    named.has(issueOf(rest.at(-1) as Reference))
      ? whole
      : `${whole.charAt(0)}${zeroWidthSpace}${whole.slice(1)}`,
  );
};

type Reference = { owner?: string; name?: string; number?: string; own?: string };

/** `octo/books#12`, the address of an issue, `#12` or `GH-12`. */
const reference =
  /(?:https?:\/\/)?(?:[\w-]{1,60}(?:\.[\w-]{1,60}){1,4}(?::\d{1,5})?\/)?(?<![\w.-])(?<owner>[\w.-]{1,100})\/(?<name>[\w.-]{1,100})(?:#|\/(?:issues|pull|discussions)\/)(?<number>\d{1,15})|(?:#|\bGH-)(?<own>\d{1,15})/giu;

/** Marks, blanks and codes for them may stand between, and the text of a link. */
const closing = new RegExp(
  String.raw`(?<![\p{L}\p{N}])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?:[^\p{L}\p{N}#]|&#?\w{1,31};){0,1000}(?:\[[^\]\n]{0,200}\]\(\s{0,5})?(?:${reference.source})`,
  'giu',
);
