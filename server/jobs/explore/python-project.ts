import { type Found, inPlace, type Need, needsInstalled, needsProgram, type Place } from './check-finder.ts';

/** How the tests of a Python project are run: as its settings say, or as the tests themselves are written. */
export const checksOfPython = (place: Place, tests: readonly string[]): Found => {
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

const runnerOf = (place: Place, tests: readonly string[]): Runner | undefined => {
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
  if (tests.some(isPytestTest)) return pytest;
  if (tests.some((text) => /\bunittest\b/.test(text))) {
    return { command: unittestCommand(place), needs: [python, ...packageNeeds(place)] };
  }
  if (!place.has('tox.ini')) return undefined;
  return { command: 'tox', needs: [needsProgram('tox')] };
};

/** unittest would find no test in such a file, and call that a success. */
const isPytestTest = (text: string): boolean =>
  /^\s*(import|from) pytest\b/m.test(text) ||
  (!/\bunittest\b/.test(text) && /^(async )?def test_/m.test(text));

/** Tests that import each other do it from the root; others from where they are. */
const unittestCommand = (place: Place): string => {
  const folder = ['tests', 'test'].find((name) => place.hasDirectory(name));
  if (folder === undefined) return 'python3 -m unittest discover';
  const top = place.has(`${folder}/__init__.py`) ? ' -t .' : '';
  return `python3 -m unittest discover -s ${folder}${top}`;
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

const nameOfRequirement = (line: string): string[] => {
  const [, name] =
    /^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*([<>=!~][^;]*)?(#.*)?$/.exec(line) ?? [];
  return name === undefined ? [] : [name];
};

/** `dependencies = […]` of `[project]`, read without a parser for TOML: what is written otherwise is not asked for. */
const projectDependencies = (place: Place): string[] => {
  const project =
    /^\[project\]\s*$([\s\S]*?)(?=^\[|(?![\s\S]))/m.exec(place.text('pyproject.toml') ?? '')?.[1] ?? '';
  const list = /^dependencies\s*=\s*\[([\s\S]*?)\][ \t]*(?:#.*)?$/m.exec(project)?.[1] ?? '';
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
