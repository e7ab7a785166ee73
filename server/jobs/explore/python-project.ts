import { type Found, inPlace, type Need, needsInstalled, needsProgram, type Place } from './check-finder.ts';

/** A test file, by its path in the place. */
export type PythonTest = { path: string; text: string };

/** How the tests of a Python project are run: as its settings say, or as the tests themselves are written. */
export const checksOfPython = (place: Place, tests: readonly PythonTest[]): Found => {
  const runner = runnerOf(place, tests);
  if (runner === undefined) return { checks: [], notes: [] };
  return { checks: [{ command: inPlace(place, runner.command), needs: runner.needs }], notes: [] };
};

/** That pytest, and the packages that the project names, are installed. */
export const pytestNeeds = (place: Place): Need[] => [
  needsProgram('python3'),
  needsInstalled(place, 'python3 -c "import pytest"', 'pytest is', pipInstall(place, 'pytest')),
  ...packageNeeds(place),
];

type Runner = { command: string; needs: Need[] };

const runnerOf = (place: Place, tests: readonly PythonTest[]): Runner | undefined => {
  const python = needsProgram('python3');
  const settings = ['pyproject.toml', 'setup.cfg', 'tox.ini', 'requirements.txt', 'setup.py'];
  const said = settings.map((name) => place.text(name) ?? '').join('\n');
  const pytest = { command: 'python3 -m pytest', needs: pytestNeeds(place) };
  if (place.has('pytest.ini') || /\bpytest\b/.test(said)) return pytest;
  if (place.has('manage.py')) {
    const django = needsInstalled(
      place,
      'python3 -c "import django"',
      'Django is',
      pipInstall(place, 'django'),
    );
    return { command: 'python3 manage.py test', needs: [python, django, ...packageNeeds(place)] };
  }
  const isPython = settings.some(place.has);
  // A script with a test somewhere makes no Python project of a repository.
  const ours = tests.filter(({ path }) => isPython || isDiscovered(place, path));
  if (ours.some(({ text }) => isPytestTest(text))) return pytest;
  const unittests = ours.filter(({ path, text }) => isDiscovered(place, path) && /\bunittest\b/.test(text));
  if (unittests[0]) {
    return { command: unittestCommand(place, unittests[0].path), needs: [python, ...packageNeeds(place)] };
  }
  if (!place.has('tox.ini')) return undefined;
  return { command: 'tox', needs: [needsProgram('tox')] };
};

/** unittest would find no test in such a file, and call that a success. */
const isPytestTest = (text: string): boolean =>
  /^[ \t]*(import|from) pytest\b/m.test(text) ||
  (!/\bunittest\b/.test(text) && /^(async )?def test_/m.test(text));

/**
 * Whether unittest would come by: in the place itself, in its `tests`, or where every directory on the way is a package.
 * Where it finds nothing it finds nothing wrong either.
 */
const isDiscovered = (place: Place, path: string): boolean =>
  /^(tests?\/)?test[^/]*\.py$/.test(path) || (/(^|\/)test[^/]*\.py$/.test(path) && isInPackage(place, path));

const isInPackage = (place: Place, path: string): boolean =>
  path
    .split('/')
    .slice(0, -1)
    .every((_, index, directories) =>
      place.has([...directories.slice(0, index + 1), '__init__.py'].join('/')),
    );

/** Tests in packages are found from where the packages are, and others from where they are. */
const unittestCommand = (place: Place, path: string): string => {
  const [folder = ''] = path.split('/');
  return folder === path || isInPackage(place, path)
    ? 'python3 -m unittest discover'
    : `python3 -m unittest discover -s ${folder}`;
};

/** Names of distributions without a condition, as far as plain settings name them. */
const packageNeeds = (place: Place): Need[] => {
  const lines = [...(place.text('requirements.txt') ?? '').split('\n'), ...projectDependencies(place)];
  const names = new Set(lines.flatMap(nameOfRequirement));
  if (names.size === 0) return [];
  const program =
    'import sys; from importlib.metadata import version; [version(name) for name in sys.argv[1:]]';
  const probe = `python3 -c "${program}" ${[...names].slice(0, namesMax).join(' ')} 2>/dev/null`;
  return [needsInstalled(place, probe, 'The Python packages that the project names are', pipInstall(place))];
};

const namesMax = 30;
/** The expressions below take as long as a line is, squared. */
const requirementCharactersMax = 200;
const projectCharactersMax = 16_000;

const nameOfRequirement = (line: string): string[] => {
  if (line.length > requirementCharactersMax) return [];
  const [, name] =
    /^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*([<>=!~][^;]*)?(#.*)?$/.exec(line) ?? [];
  return name === undefined ? [] : [name];
};

/** `dependencies = […]` of `[project]`, read without a parser for TOML: what is written otherwise is not asked for. */
const projectDependencies = (place: Place): string[] => {
  const project =
    /^\[project\]\s*$([\s\S]*?)(?=^\[|(?![\s\S]))/m.exec(place.text('pyproject.toml') ?? '')?.[1] ?? '';
  const list =
    /^dependencies\s*=\s*\[([\s\S]*?)\][ \t]*(?:#.*)?$/m.exec(project.slice(0, projectCharactersMax))?.[1] ??
    '';
  return [...list.matchAll(/"([^"\n]*)"|'([^'\n]*)'/g)].map(([, double, single]) => double ?? single ?? '');
};

/** Debian’s Python installs nothing beside its own packages without being told so; what is installed for the user it finds. */
const pipInstall = (place: Place, ...packages: string[]): string => {
  const project = place.has('requirements.txt')
    ? ['-r requirements.txt']
    : place.has('pyproject.toml') || place.has('setup.py')
      ? ['-e .']
      : [];
  return ['pip install --user --break-system-packages', ...project, ...packages].join(' ');
};
