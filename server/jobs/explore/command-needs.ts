import { inPlace, type Need, needsProgram, type Place } from './check-finder.ts';
import { nodeDependencies } from './node-project.ts';
import { cargoNeeds, goNeeds, gradleNeeds, mavenNeeds } from './other-projects.ts';
import { pytestNeeds } from './python-project.ts';

/**
 * What must be there for a command that somebody has named, as far as its first words tell: they may be those of a shell
 * program of any kind, of which nothing is asked then.
 */
export const needsOfCommand = (command: string, placeOf: (directory: string) => Place): Need[] => {
  const { directory, words } = firstWords(command);
  const place = placeOf(directory);
  const [program = '', ...rest] = words;
  switch (program) {
    case 'npm':
    case 'npx':
    case 'yarn':
    case 'pnpm':
    case 'bun':
      return [needsProgram(program), ...nodeDependencies(place)];
    case 'pytest':
      return [...pytestNeeds(place), needsProgram('pytest')];
    case 'python':
    case 'python3':
      return [
        needsProgram(program),
        ...(rest[0] === '-m' && rest[1] === 'pytest' ? pytestNeeds(place).slice(1) : []),
      ];
    case 'go':
      return goNeeds(place);
    case 'cargo':
      return cargoNeeds(place);
    case 'mvn':
      return mavenNeeds(place);
    case 'gradle':
    case './gradlew':
      return gradleNeeds(place);
  }
  // What only the setup can have made, such as .venv/bin/pytest; what the base has is the repository’s own.
  if (/^(?!\/)[\w./+-]+\/[\w.+-]+$/.test(program)) {
    if (program.includes('..') || place.has(program.replace(/^\.\//, ''))) return [];
    const probe = inPlace(place, `test -x ${program}`);
    return [
      { probe, otherwise: `${program} is not there: it is not in the base, and no setup has made it.` },
    ];
  }
  return /^[a-z][\w.+-]*$/i.test(program) ? [needsProgram(program)] : [];
};

/** The words before anything that has a meaning for the shell; without variables, and behind a `cd` into a directory. */
const firstWords = (command: string): { directory: string; words: string[] } => {
  const [, directory, inside] =
    /^\s*\(?\s*cd\s+(?:\.\/)?([\w@+.-][\w@+./-]*?)\/?\s*&&\s*([\s\S]*)$/.exec(command) ?? [];
  const rest = (inside ?? command).replace(/^\s*\(?\s*/, '').replace(/^(?:\w+=[\w@%+:,./-]*\s+)*/, '');
  const simple = /^[\w@%+=:,./ -]*/.exec(rest)?.[0] ?? '';
  return { directory: directory ?? '', words: simple.split(' ').filter((word) => word !== '') };
};
