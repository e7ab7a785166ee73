import type { Evidence } from '../../domain/checks/evidence.ts';
import type { DenialReport } from '../../domain/egress.ts';
import type { LeftOut } from '../../domain/job-event.ts';
import { codeSpan, list, sentence } from './markdown.ts';
import { findDoubtfulNames } from './named-files.ts';
import type { Story } from './text.ts';
import { unnamedFiles } from './unnamed-files.ts';

const linesShownMax = 20;
const unnamedShownMax = 10;
const pathCharactersMax = 200;
const sentenceCharactersMax = 240;

/** What the server noticed that the description may not tell; empty when there is nothing. */
export const whatToLookAt = (story: Story): string => {
  const { answer, changeset, baseFiles, evidence, denials } = story;
  const changed = changeset.files.map(({ path }) => path);
  const names = findDoubtfulNames(answer.description, {
    changed,
    base: baseFiles,
    leftOut: changeset.leftOut.map(({ path }) => path),
  });
  const parts = [
    answer.wrappedUp ? hurried : '',
    section('Checks that pass only with this change’s version of them:', onlyWithNewDefinitions(evidence)),
    section('Tests and checks that may say less than before:', weakened(evidence)),
    section('Named in the description, but not in this repository:', names.nowhere.map(asCode)),
    section('Said to be changed in the description, but unchanged:', names.unchanged.map(asCode)),
    section(
      'New at the root, and named neither in the request nor in the description:',
      unnamedFiles(story).map(asCode),
      unnamedShownMax,
    ),
    section('Left out of the commit:', changeset.leftOut.map(leftOut)),
    section(refusals(denials), denials.distinct.map(refusal)),
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : ['## Noticed by the server', ...parts].join('\n\n');
};

const hurried =
  'The agent was told that a limit was near, and came to an end: its description should tell what is missing.';

const section = (title: string, lines: readonly string[], linesMax = linesShownMax): string =>
  lines.length === 0 ? '' : `${title}\n\n${list(lines, linesMax)}`;

/** The evidence shows it in its table, too, where it is easily overlooked. */
const onlyWithNewDefinitions = (evidence: Evidence | undefined): readonly string[] =>
  (evidence?.checks ?? []).flatMap(({ command, after, afterWithBaseFiles }) =>
    after.status === 'passed' && afterWithBaseFiles && afterWithBaseFiles.status !== 'passed'
      ? [
          `${codeSpan(command, pathCharactersMax)} passes, but ${afterWithBaseFiles.status === 'failed' ? 'fails' : 'could not run'} with what defined it in the base.`,
        ]
      : [],
  );

const weakened = (evidence: Evidence | undefined): readonly string[] =>
  (evidence?.weakened ?? []).map(
    ({ path, what }) => `${asCode(path)}: ${sentence(what, sentenceCharactersMax)}`,
  );

const leftOut = ({ path, reason }: LeftOut): string => `${asCode(path)}: ${reason}`;

const refusals = ({ total, distinct }: DenialReport): string => {
  const times = total === 1 ? 'once' : `${total} times`;
  const kinds = distinct.length > linesShownMax ? `, in ${distinct.length} different ways` : '';
  return `Something in a sandbox of this job wanted out to other hosts and was refused ${times}${kinds}:`;
};

/** What was asked for is hostile text; the reasons are the server's own sentences. */
const refusal = ({ host, port, reason, count }: DenialReport['distinct'][number]): string => {
  const where = codeSpan(port === null ? host : `${host}:${port}`, pathCharactersMax);
  return `${where}: ${reason}${count > 1 ? ` (${count} times)` : ''}`;
};

const asCode = (path: string): string => codeSpan(path, pathCharactersMax);
