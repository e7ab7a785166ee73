import type { Evidence } from '../../domain/checks/evidence.ts';

const outputCharactersMax = 8000;

/** Whether something that was well before is not well any more. */
export const isBroken = ({ checks }: Pick<Evidence, 'checks'>): boolean =>
  checks.some(({ verdict }) => verdict === 'broken');

/** What the model is told so that it can mend what it broke. */
export const feedbackOn = ({ checks }: Evidence): string => {
  const broken = checks.filter(({ verdict }) => verdict === 'broken');
  const each = Math.floor(outputCharactersMax / Math.max(1, broken.length));
  const told = broken.map(({ command, before, after }) => {
    const ended = after.exitCode === null ? '' : `, exit code ${after.exitCode}`;
    const reason = after.reason === undefined ? '' : `\n${after.reason}`;
    const output = after.output.slice(-each).toWellFormed();
    return `$ ${command}\n(before: ${inWords[before.status]}; now: ${inWords[after.status]}${ended})${reason}\n${output}`;
  });
  return `The server ran the repository's checks in a fresh sandbox, at the base commit and with exactly the files that \
would be committed. This does not pass any more:

${told.join('\n\n')}

Mend it, and then send the final message again, from its first line. It may fail there and pass in your sandbox when it \
relies on a file that is not in the change: one that .gitignore hides, that was left out, or that only your sandbox has. \
If it fails for a good reason that is part of the job, leave it and say why in the final message.`;
};

const inWords = { passed: 'it passed', failed: 'it failed', could_not_run: 'it could not run' } as const;
