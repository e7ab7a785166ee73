import { baseName } from '../../domain/paths.ts';
import { type BaseFiles, isFile } from './base-files.ts';
import { depthOf, isInForeignPlace } from './places.ts';
import { isPlainPath } from './shown.ts';

export const settingsPath = '.backspace.yml';

/** Where repositories tell agents and people how to work, in the order in which they are told. */
const instructionPaths = [
  ...['AGENTS.md', 'CLAUDE.md', 'CONTRIBUTING.md', '.github/CONTRIBUTING.md', 'docs/CONTRIBUTING.md'],
] as const;

const manifestNames: ReadonlySet<string> = new Set([
  ...['package.json', 'pnpm-workspace.yaml', 'deno.json', 'deno.jsonc'],
  ...['pyproject.toml', 'setup.py', 'setup.cfg', 'requirements.txt', 'tox.ini', 'pytest.ini', 'manage.py'],
  ...[
    'go.mod',
    'go.work',
    'Cargo.toml',
    'CMakeLists.txt',
    'meson.build',
    'GNUmakefile',
    'makefile',
    'Makefile',
  ],
  ...['pom.xml', 'build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts'],
  ...['Gemfile', 'composer.json', 'mix.exs', 'Package.swift', 'build.sbt', 'dub.json'],
]);
const depthMax = 3;
const manifestsMax = 40;

/** What of the base is worth a look, by path; and what would be, but cannot be read. */
export type FoundFiles = {
  /** .backspace.yml, if it is a file. */
  settings: string | undefined;
  instructions: readonly string[];
  /** The root’s first, then by depth. */
  manifests: readonly string[];
  /** A few test files of a Python project, which alone tell how its tests are run. */
  pythonTests: readonly string[];
  notes: readonly string[];
};

export const findFiles = (files: BaseFiles): FoundFiles => {
  const lists: Record<Kind, string[]> = { manifest: [], pythonTest: [], further: [] };
  let unnamed = 0;
  for (const path of files.keys()) {
    const kind = kindOf(path);
    if (kind === undefined || depthOf(path) > depthMax) continue;
    if (isInForeignPlace(path) || !isFile(files, path)) continue;
    if (isPlainPath(path)) lists[kind].push(path);
    else unnamed += Number(kind === 'manifest');
  }
  const { manifest: manifests, pythonTest: pythonTests, further } = lists;
  manifests.sort(byDepth);
  const told = [...settingsNotes(files), ...instructionNotes(files)];
  if (unnamed > 0) told.push(`Manifests in directories with unusual names were not looked at: ${unnamed}.`);
  if (manifests.length > manifestsMax) {
    told.push(`Of ${manifests.length} manifests, the ${manifestsMax} nearest to the root were looked at.`);
  }
  if (further.length > 0) {
    const named = further.sort(byDepth).slice(0, furtherMax).join(', ');
    told.push(`Directories have instructions of their own, which are not told here: ${named}.`);
  }
  return {
    settings: isFile(files, settingsPath) ? settingsPath : undefined,
    instructions: instructionPaths.filter((path) => isFile(files, path)),
    manifests: manifests.slice(0, manifestsMax),
    pythonTests: pythonTests.sort(byDepth).slice(0, pythonTestsMax),
    notes: told,
  };
};

/** `further`: instructions for a part of the repository. */
type Kind = 'manifest' | 'pythonTest' | 'further';

const kindOf = (path: string): Kind | undefined => {
  const name = baseName(path);
  if (manifestNames.has(name)) return 'manifest';
  if (/^(test_.*|.*_test|conftest)\.py$/.test(name)) return 'pythonTest';
  return /\/(AGENTS|CLAUDE)\.md$/.test(path) ? 'further' : undefined;
};

const pythonTestsMax = 6;
const furtherMax = 10;

const byDepth = (a: string, b: string): number => depthOf(a) - depthOf(b) || (a < b ? -1 : 1);

const settingsNotes = (files: BaseFiles): string[] => {
  const mode = files.get(settingsPath)?.mode;
  if (mode === '120000') return [`${settingsPath} is a symlink, which is not followed.`];
  if (mode === '160000') return [`${settingsPath} is a submodule, which is not read.`];
  if (mode !== undefined) return [];
  if (hasDirectory(files, settingsPath)) return [`${settingsPath} is a directory, which is not read.`];
  return files.has('.backspace.yaml')
    ? [`.backspace.yaml is not read: its name must be ${settingsPath}.`]
    : [];
};

const instructionNotes = (files: BaseFiles): string[] =>
  instructionPaths
    .filter((path) => files.get(path)?.mode === '120000')
    .map((path) => `${path} is a symlink, which is not followed.`);

const hasDirectory = (files: BaseFiles, directory: string): boolean =>
  files.keys().some((path) => path.startsWith(`${directory}/`));
