import type { CheckEvidence, CheckRun, Evidence } from '../../domain/checks/evidence.ts';
import { checkOutputs } from './check-outputs.ts';
import { codeCell, codeSpan, list, sentence, textCell } from './markdown.ts';

const checksShownMax = 20;
const filesShownMax = 10;
const setupShownMax = 5;
const notesShownMax = 10;
const commandCharactersMax = 120;
const pathCharactersMax = 120;
const sentenceCharactersMax = 240;

/** What the server found when it ran the checks, and how far that can be relied on. */
export const checkResults = (evidence: Evidence | undefined): string => {
  if (evidence === undefined) return 'Nothing was checked: the server has run no check of this repository.';
  const notes = evidence.notes.length > 0 ? [list(evidence.notes.map(asSentence), notesShownMax)] : [];
  if (evidence.checks.length === 0)
    return [`Nothing was checked: ${whyNothing[evidence.checksFrom]}`, ...notes].join('\n\n');
  return [
    opening(evidence),
    table(evidence.checks),
    changedDefinitions(evidence),
    checkOutputs(evidence.checks),
    circumstances(evidence),
    ...notes,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
};

const noneShown =
  'neither the request nor `.backspace.yml` names a check, and the manifests of the base commit show none.';

/** An empty list is a word, too: whoever gives it wants no checks. */
const whyNothing = {
  request: 'the request wants no checks, whatever the repository has (`checks: []`).',
  backspace_yml: 'the base commit’s `.backspace.yml` wants no checks (`checks: []`).',
  manifests: noneShown,
  none: noneShown,
} as const satisfies Record<Evidence['checksFrom'], string>;

const opening = ({ checks, checksFrom }: Evidence): string => {
  const ran = checks.filter(({ after }) => after.status !== 'could_not_run');
  if (ran.length === 0) return '**Nothing was checked:** none of the checks could run with this change.';
  const some = ran.length < checks.length ? `${ran.length} of ${checks.length} checks could run. ` : '';
  return `${some}The server itself ran what ${sources[checksFrom]}, in fresh sandboxes where the agent has never been: at the base commit, and there with exactly this change.`;
};

const sources = {
  request: 'the request names',
  backspace_yml: 'the base commit’s `.backspace.yml` names',
  manifests: 'the base commit’s manifests show',
  none: 'there is',
} as const satisfies Record<Evidence['checksFrom'], string>;

const table = (checks: readonly CheckEvidence[]): string => {
  const withBaseFiles = checks.some(({ afterWithBaseFiles }) => afterWithBaseFiles !== undefined);
  const head = [
    'Check',
    'Result',
    'Base',
    'This change',
    ...(withBaseFiles ? ['With base’s definitions'] : []),
  ];
  const rows = checks
    .slice(0, checksShownMax)
    .map((check) => [
      codeCell(check.command, commandCharactersMax),
      inWords(check),
      ...[check.before, check.after].map(runInWords),
      ...(withBaseFiles ? [runInWords(check.afterWithBaseFiles)] : []),
    ]);
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const more = checks.length - rows.length;
  return [...lines, ...(more > 0 ? [`\n… and ${more} more.`] : [])].join('\n');
};

/** A check that could not run at the base shows less than one that ran, whatever its verdict is called. */
const inWords = ({ verdict, before, after }: CheckEvidence): string => {
  const unknownBefore = before.status === 'could_not_run';
  switch (verdict) {
    case 'passed':
      return unknownBefore ? 'passes; could not run before' : 'passed before and after';
    case 'fixed':
      return '**fixed**: failed before, passes now';
    case 'broken':
      return after.status === 'could_not_run'
        ? notRun(after, ', but passed before')
        : '**broken by this change**';
    case 'broken_before':
      return unknownBefore ? '**fails**; could not run before' : 'broken before: failed before and after';
    case 'could_not_run':
      return notRun(after, '');
  }
};

const notRun = ({ reason = '' }: CheckRun, besides: string): string => {
  const why = textCell(reason, sentenceCharactersMax);
  return `**could not run**${besides}${why === '' ? '' : `: ${why}`}`;
};

const runInWords = (run: CheckRun | undefined): string => {
  if (run === undefined) return '';
  if (run.status === 'could_not_run') return 'could not run';
  const end = run.exitCode === null ? 'killed' : `exit code ${run.exitCode}`;
  return `${end}, ${seconds(run.durationMs)}`;
};

const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;

const changedDefinitions = ({ definitionsChanged, checks }: Evidence): string => {
  if (definitionsChanged.length === 0) return '';
  const files = list(
    definitionsChanged.map((path) => codeSpan(path, pathCharactersMax)),
    filesShownMax,
  );
  const ranAgain = checks.some(({ afterWithBaseFiles }) => afterWithBaseFiles !== undefined);
  const then = ranAgain
    ? ', so they ran a second time with base’s versions of these files (the last column)'
    : '';
  return `This change touches what defines the checks${then}:\n\n${files}`;
};

const circumstances = ({ tree, image, setup }: Evidence): string => {
  const steps = setup.slice(0, setupShownMax).map((command) => codeSpan(command, commandCharactersMax));
  const more = setup.length - steps.length;
  const commands = [...steps, ...(more > 0 ? [`${more} more`] : [])].join(', ');
  return [
    `Checked tree: ${codeSpan(tree, 40)}, that of this pull request’s commit, in the image ${codeSpan(image, 120)}`,
    setup.length > 0 ? `after the setup ${commands}.` : 'without any setup.',
    'A check runs the code that it checks: hostile code can still lie about itself.',
  ].join(' ');
};

const asSentence = (text: string): string => sentence(text, sentenceCharactersMax);
