import { baseName } from '../paths.ts';
import type { Leftover, Surroundings } from './leftovers.ts';

/**
 * The first directory on the way to a new file that is made, not written: of installed packages, of a cache, of a build.
 * Where the base has files below it, it is a directory like any other.
 */
export const productOf = ({
  base,
  workspace,
  prompt,
}: Surroundings): ((path: string) => Leftover | undefined) => {
  const baseDirectories = directoriesOf(base.keys());
  const baseNames = new Set([...baseDirectories].map(baseName));
  const present = new Set(workspace);
  const environments = new Set(
    workspace
      .filter((path) => path.endsWith('/pyvenv.cfg'))
      .map((path) => path.slice(0, -'/pyvenv.cfg'.length)),
  );
  const outputs = outputsIn(workspace);

  const reasonFor = (directory: string): string | undefined => {
    const end = directory.lastIndexOf('/');
    const name = directory.slice(end + 1);
    const parent = directory.slice(0, end + 1);
    const isBeside = (names: readonly string[]) =>
      names.some((manifest) => present.has(`${parent}${manifest}`));
    if (environments.has(directory)) return 'installed packages';
    const always = alwaysMade.find(({ names }) => names.test(name));
    if (always !== undefined) return always.reason;
    if (parent === '' && /^(?:scratch|tmp|temp)$/i.test(name)) {
      return prompt.includes(`${name}/`) ? undefined : 'scratch';
    }
    // Who commits what is built does so in each of its packages.
    if (baseNames.has(name)) return undefined;
    const built = builtBeside.find((build) => build.name === name);
    if (built !== undefined && (isBeside(built.manifests) || outputs.has(directory))) return 'build output';
    return name === 'coverage' && outputs.has(directory) ? 'what a tool keeps for itself' : undefined;
  };

  const reasons = new Map<string, string | undefined>();
  const knownReason = (directory: string): string | undefined => {
    if (!reasons.has(directory)) {
      reasons.set(directory, baseDirectories.has(directory) ? undefined : reasonFor(directory));
    }
    return reasons.get(directory);
  };
  return (path) => {
    // A link may stand in the place of the directory.
    for (const directory of [...waysTo(path), path]) {
      if (directory === path && !isLikelyLink(path)) continue;
      const reason = knownReason(directory);
      if (reason !== undefined) return { path: directory === path ? path : `${directory}/`, reason };
    }
    return undefined;
  };
};

const isLikelyLink = (path: string): boolean => /(?:^|\/)(?:node_modules|\.?venv)$/.test(path);

const alwaysMade = [
  {
    names: /^(?:node_modules|bower_components|\.venv|\.pnpm-store|\.eggs|.+\.egg-info)$/,
    reason: 'installed packages',
  },
  {
    names:
      /^(?:__pycache__|\.(?:pytest|mypy|ruff|parcel|angular|sass)[_-]cache|\.cache|\.gradle|\.npm|\.tox|\.nox|\.turbo|\.hypothesis|\.ipynb_checkpoints|\.nyc_output|htmlcov|\.vite|\.next|\.nuxt|\.svelte-kit|\.terraform)$/,
    reason: 'a cache',
  },
  { names: /^\.(?:idea|vs|history)$/, reason: 'left by an editor or the system' },
];

/** Directories that are a build's where its manifest stands beside them; the names alone are used by people, too. */
const builtBeside = [
  { name: 'target', manifests: ['Cargo.toml', 'pom.xml', 'build.sbt'] },
  { name: 'dist', manifests: ['package.json', 'pyproject.toml', 'setup.py'] },
  {
    name: 'build',
    manifests: ['build.gradle', 'build.gradle.kts', 'CMakeLists.txt', 'setup.py', 'pyproject.toml'],
  },
  { name: 'out', manifests: ['build.gradle', 'build.gradle.kts'] },
  { name: 'bin', manifests: [] },
  { name: 'obj', manifests: [] },
];

/** Directories that hold, at whichever depth, what only a compiler, a bundler or a coverage tool writes. */
const outputsIn = (workspace: readonly string[]): ReadonlySet<string> =>
  directoriesOf(workspace.filter((path) => written.test(path)));

const written =
  /(?:^|\/)(?:CMakeCache\.txt|asset-manifest\.json|lcov\.info|lcov-report\/index\.html|coverage-final\.json|coverage-summary\.json|coverage-\d+-\d+-\d+\.json|clover\.xml|project\.assets\.json)$|\.(?:[cm]?js\.map|css\.map|d\.ts\.map|class|o|obj)$/;

const directoriesOf = (paths: Iterable<string>): ReadonlySet<string> => {
  const directories = new Set<string>();
  for (const path of paths) {
    for (const directory of waysTo(path).reverse()) {
      if (directories.has(directory)) break;
      directories.add(directory);
    }
  }
  return directories;
};

/** Nobody's are deeper; a path of two thousand would take the server seconds, with all that is looked up for each. */
const depthMax = 64;

/** `a` and `a/b` of `a/b/c`. */
export const waysTo = (path: string): string[] => {
  const ways: string[] = [];
  for (let end = path.indexOf('/'); end > 0 && ways.length < depthMax; end = path.indexOf('/', end + 1)) {
    ways.push(path.slice(0, end));
  }
  return ways;
};
