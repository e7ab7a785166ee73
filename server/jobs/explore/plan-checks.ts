import type { ChecksSource, PlannedCheck } from '../../domain/checks/evidence.ts';
import { baseName, directoryOf } from '../../domain/paths.ts';
import { type BaseFiles, isFile } from './base-files.ts';
import type { Found, Place } from './check-finder.ts';
import { needsOfCommand } from './command-needs.ts';
import { checksOfNode } from './node-project.ts';
import { checksOfMake, checksOfOthers } from './other-projects.ts';
import { depthOf } from './places.ts';
import { checksOfPython } from './python-project.ts';

/** Of those that nobody has named: each of them runs twice for every job. */
const foundMax = 4;
/** Where a repository’s root has no project, those below it count. */
const placeDepthMax = 2;

type Sources = {
  /** By the request; undefined when it names none. */
  asked: readonly string[] | undefined;
  /** By .backspace.yml. */
  configured: readonly string[] | undefined;
  files: BaseFiles;
  /** Manifests, and test files of Python projects. */
  texts: ReadonlyMap<string, string>;
  pythonTests: readonly string[];
};

export type ChecksPlan = {
  checks: readonly PlannedCheck[];
  checksFrom: ChecksSource;
  notes: readonly string[];
};

/** The checks of whoever names some first: the request, .backspace.yml, the manifests. An empty list names none, too. */
export const planChecks = (sources: Sources): ChecksPlan => {
  const placeOf = (directory: string) => createPlace(directory, sources);
  const named = (commands: readonly string[]): PlannedCheck[] =>
    commands.map((command) => ({ command, needs: needsOfCommand(command, placeOf) }));
  const { asked, configured } = sources;
  if (asked !== undefined) return { checks: named(asked), checksFrom: 'request', notes: [] };
  if (configured !== undefined) return { checks: named(configured), checksFrom: 'backspace_yml', notes: [] };

  const root = checksOfPlace(placeOf(''), sources);
  const places = root.checks.length > 0 ? [] : directoriesBelow(sources);
  const found = [root, ...places.map((directory) => checksOfPlace(placeOf(directory), sources))];
  const checks = found.flatMap((one) => one.checks);
  const notes = found.flatMap((one) => one.notes);
  if (checks.length > foundMax) notes.push(`More checks were found than the ${foundMax} that are run.`);
  if (checks.length > 0) return { checks: checks.slice(0, foundMax), checksFrom: 'manifests', notes };
  return { checks, checksFrom: 'none', notes: [...notes, noChecks] };
};

const noChecks = 'No checks were found: name some in the request or in .backspace.yml.';

const checksOfPlace = (place: Place, { texts, pythonTests }: Sources): Found => {
  const prefix = inPrefix(place.directory);
  const tests = pythonTests
    .filter((path) => path.startsWith(prefix))
    .map((path) => ({ path: path.slice(prefix.length), text: texts.get(path) ?? '' }));
  const found = [checksOfNode(place), checksOfPython(place, tests), checksOfOthers(place)];
  const notes = found.flatMap((one) => one.notes);
  const checks = found.flatMap((one) => one.checks);
  return checks.length > 0 ? { checks, notes } : { checks: checksOfMake(place).checks, notes };
};

/** Directories with a manifest, the nearest first; none that lies in another one of them. */
const directoriesBelow = ({ texts, pythonTests }: Sources): string[] => {
  const manifests = [...texts.keys()].filter((path) => !pythonTests.includes(path));
  const directories = [...new Set(manifests.map(directoryOf))]
    .filter((directory) => directory !== '' && depthOf(directory) < placeDepthMax)
    .sort((a, b) => depthOf(a) - depthOf(b) || (a < b ? -1 : 1));
  return directories.filter(
    (one) => !directories.some((other) => one.startsWith(inPrefix(other)) && one !== other),
  );
};

const createPlace = (directory: string, { files, texts }: Sources): Place => {
  const prefix = inPrefix(directory);
  return {
    directory,
    text: (name) => texts.get(`${prefix}${name}`),
    has: (name) => isFile(files, `${prefix}${name}`),
    below: (name) =>
      [...texts].flatMap(([path, text]) =>
        path.startsWith(prefix) && path !== `${prefix}${name}` && baseName(path) === name ? [text] : [],
      ),
  };
};

const inPrefix = (directory: string): string => (directory === '' ? '' : `${directory}/`);
