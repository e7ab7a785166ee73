import { z } from 'zod';
import { type Found, inPlace, type Need, needsInstalled, needsProgram, type Place } from './check-finder.ts';
import { shown } from './shown.ts';

const words = z.record(z.string(), z.unknown()).catch({});
const packageSchema = z.object({
  scripts: words,
  dependencies: words,
  devDependencies: words,
  packageManager: z.string().catch(''),
  workspaces: z.unknown().optional(),
});
type Package = z.infer<typeof packageSchema>;

const managers = {
  npm: { test: 'npm test', run: 'npm run', install: 'npm ci' },
  yarn: { test: 'yarn test', run: 'yarn run', install: 'yarn install --frozen-lockfile' },
  pnpm: { test: 'pnpm test', run: 'pnpm run', install: 'pnpm install --frozen-lockfile' },
  bun: { test: 'bun run test', run: 'bun run', install: 'bun install --frozen-lockfile' },
} as const;
type Manager = keyof typeof managers;

/** Of each row one script at most: they are different names for the same. */
const scriptsToRun = [
  ['test'],
  ['lint'],
  ['typecheck', 'type-check', 'check-types', 'tsc'],
  ['check'],
] as const;

/** The scripts of a package.json that check something and change nothing. */
export const checksOfNode = (place: Place): Found => {
  const text = place.text('package.json');
  if (text === undefined) return nothing;
  const parsed = parsePackage(text);
  if (parsed === undefined) {
    return { checks: [], notes: [`${pathIn(place)} is not a JSON object, so no checks come from it.`] };
  }
  const { scripts } = parsed;
  const manager = managerOf(place, parsed);
  const needs = nodeNeeds(place);
  const notes: string[] = [];
  const checks = scriptsToRun.flatMap((names) => {
    const name = names.find((candidate) => typeof scripts[candidate] === 'string');
    if (name === undefined) return [];
    const script = String(scripts[name]);
    if (isPlaceholder(script)) return [];
    const problem = problemOf(script);
    if (problem !== undefined) {
      notes.push(`The script ${shown(name)} of ${pathIn(place)} is no check here: ${problem}.`);
      return [];
    }
    const { test, run } = managers[manager];
    return [{ command: inPlace(place, name === 'test' ? test : `${run} ${name}`), needs }];
  });
  return { checks, notes };
};

/** What a script of the place needs: the manager, and what it has to install first. */
const nodeNeeds = (place: Place): Need[] => {
  const parsed = parsePackage(place.text('package.json') ?? '');
  const manager = parsed ? managerOf(place, parsed) : 'npm';
  return [needsProgram(manager), ...nodeDependencies(place)];
};

/** That the packages are there which the package.json, or one of its workspaces, names. */
export const nodeDependencies = (place: Place): Need[] => {
  const parsed = parsePackage(place.text('package.json') ?? '');
  if (parsed === undefined) return [];
  const hasWorkspaces = parsed.workspaces !== undefined || place.has('pnpm-workspace.yaml');
  const packages = [
    parsed,
    ...(hasWorkspaces ? place.below('package.json').flatMap((text) => parsePackage(text) ?? []) : []),
  ];
  if (!packages.some(dependsOnOthers)) return [];
  const { install } = managers[managerOf(place, parsed)];
  const probe = 'test -d node_modules || test -f .pnp.cjs';
  return [needsInstalled(place, probe, 'The dependencies of package.json are', install)];
};

const nothing: Found = { checks: [], notes: [] };
const pathIn = ({ directory }: Place): string =>
  directory === '' ? 'package.json' : `${directory}/package.json`;

const parsePackage = (text: string): Package | undefined => {
  try {
    return packageSchema.safeParse(JSON.parse(text.replace(/^\uFEFF/, ''))).data;
  } catch {
    return undefined;
  }
};

const dependsOnOthers = ({ dependencies, devDependencies }: Package): boolean =>
  Object.keys(dependencies).length + Object.keys(devDependencies).length > 0;

const managerOf = (place: Place, { packageManager }: Package): Manager => {
  const named = /^(npm|yarn|pnpm|bun)@/.exec(packageManager)?.[1] as Manager | undefined;
  if (named) return named;
  if (place.has('pnpm-lock.yaml') || place.has('pnpm-workspace.yaml')) return 'pnpm';
  if (place.has('yarn.lock')) return 'yarn';
  return place.has('bun.lock') || place.has('bun.lockb') ? 'bun' : 'npm';
};

/** What `npm init` writes. */
const isPlaceholder = (script: string): boolean => /no test specified/.test(script) || script.trim() === '';

/** Why a script would check nothing, or never end. */
const problemOf = (script: string): string | undefined => {
  if (/(^|\s)--(fix|write)(\s|=|$)/.test(script)) return 'it changes files';
  return /(^|\s)--watch(All)?(\s|$)/.test(script) ? 'it waits for changes and does not end' : undefined;
};
