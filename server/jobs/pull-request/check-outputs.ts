import type { CheckEvidence, CheckRun, CheckVerdict } from '../../domain/checks/evidence.ts';
import { fenced, folded, htmlCode } from './markdown.ts';

const outputsShownMax = 6;
const outputCharactersMax = 2_500;
const commandCharactersMax = 120;

/** The ends of what failed, each folded: what this change has broken before all else. */
export const checkOutputs = (checks: readonly CheckEvidence[]): string =>
  checks
    .toSorted((a, b) => urgency[a.verdict] - urgency[b.verdict])
    .flatMap(runsToShow)
    .slice(0, outputsShownMax)
    .map(({ command, when, run }) => {
      const what = run.status === 'failed' ? 'failed' : 'could not run';
      const summary = `${htmlCode(command, commandCharactersMax)} ${what} ${when}: the end of its output`;
      return folded(summary, fenced(run.output, outputCharactersMax));
    })
    .join('\n\n');

const urgency = {
  broken: 0,
  could_not_run: 1,
  broken_before: 2,
  fixed: 3,
  passed: 4,
} as const satisfies Record<CheckVerdict, number>;

type Shown = { command: string; when: string; run: CheckRun };

const runsToShow = ({ command, before, after, afterWithBaseFiles }: CheckEvidence): Shown[] =>
  [
    { command, when: 'with this change', run: after },
    { command, when: 'with this change and base’s definitions', run: afterWithBaseFiles },
    { command, when: 'at the base commit', run: before },
  ].filter((shown): shown is Shown => {
    const { run } = shown;
    return run !== undefined && run.status !== 'passed' && run.output.trim() !== '';
  });
