import { baseName } from '../paths.ts';
import { isCheckSetting, isTestFile, isTestRunnerSetting } from './check-definitions.ts';
import type { Weakening } from './evidence.ts';
import type { ChangedText } from './weakened-tests.ts';

/** What a change does to the settings that decide what is checked, and how strictly. */
export const findChangedSettings = ({ path, before, after }: ChangedText): Weakening[] => {
  if (!holdsSettings(path)) return [];
  const found = [
    ...(thresholdsAreLower(before, after)
      ? ['A threshold, such as that of the coverage, is lower or gone.']
      : []),
    ...changesIn(path, before, after),
  ];
  return found.map((what) => ({ path, what }));
};

/** Whether it may hold anything that `findChangedSettings` looks for. */
export const holdsSettings = (path: string): boolean =>
  !isTestFile(path) && (isCheckSetting(path) || thresholdFiles.test(baseName(path)));

const changesIn = (path: string, before: string | undefined, after: string | undefined): string[] => {
  const name = baseName(path);
  if (before === undefined) {
    return isTestRunnerSetting(path) ? ['It is new and decides which tests run.'] : [];
  }
  if (name === 'package.json') return changesInPackage(before, after);
  const part = parts.find(({ names }) => names.test(name));
  if (part !== undefined) {
    return part.of(before) === part.of(after ?? '') ? [] : [part.what];
  }
  if (thresholdFiles.test(name)) return [];
  return [after === undefined ? 'Settings of a check are deleted.' : 'Settings of a check are changed.'];
};

/** Of these files, which hold much else, only what concerns checks. */
const parts = [
  {
    names: /^(?:pyproject\.toml|setup\.cfg)$/,
    of: (text: string) =>
      sectionsOf(text, /^(?:tool[.:])?(?:pytest|coverage|ruff|mypy|pyright|flake8|pylint|tox|nox)\b/),
    what: 'Settings of a test tool or checker are changed.',
  },
  {
    names: /^(?:(?:GNU)?makefile|.*\.mk|justfile)$/i,
    of: (text: string) => recipesOf(text),
    what: 'What a check of the Makefile does is changed.',
  },
  {
    names: /^(?:CMakeLists\.txt|Rakefile|Taskfile\.ya?ml)$/i,
    of: (text: string) =>
      text
        .split('\n')
        .filter((line) => /test|check|lint|spec/i.test(line))
        .join('\n'),
    what: 'Lines that concern tests are changed.',
  },
];

const thresholdFiles = /^(?:pom\.xml|build\.gradle(?:\.kts)?)$/;

const checkScript =
  /^(?:pre|post)?(?:test|tests|lint|check|checks|typecheck|type-check|tsc|types|verify|validate|ci|coverage|cover|e2e|unit)(?:[:._-][\w:.-]{0,60})?$/;
const packageSettings = [
  'jest',
  'vitest',
  'mocha',
  'ava',
  'tap',
  'nyc',
  'c8',
  'eslintConfig',
  'eslintIgnore',
  'xo',
  'standard',
];

const changesInPackage = (before: string, after: string | undefined): string[] => {
  const [old, now] = [objectOf(before), objectOf(after)];
  if (old === undefined) return [];
  if (now === undefined) return ['It is gone or no valid JSON: its checks cannot run.'];
  const [oldScripts, scripts] = [asObject(old.scripts), asObject(now.scripts)];
  const names = Object.keys(oldScripts).filter((name) => checkScript.test(name));
  const changed = names.filter((name) => name in scripts && scripts[name] !== oldScripts[name]);
  const gone = names.filter((name) => !(name in scripts));
  const settings = packageSettings.filter((key) => key in old && !isSame(old[key], now[key]));
  return [
    ...changed.map((name) => `The script \`${name}\` is changed.`),
    ...gone.map((name) => `The script \`${name}\` is gone.`),
    ...settings.map((key) => `The settings \`${key}\` are changed.`),
  ];
};

type JsonObject = Record<string, unknown>;

const asObject = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null ? (value as JsonObject) : {};

const objectOf = (text: string | undefined): JsonObject | undefined => {
  try {
    return asObject(JSON.parse((text ?? '').replace(/^\ufeff/, '')));
  } catch {
    return undefined;
  }
};

/** What is nested too deeply to be written out again counts as another: nobody's settings are. */
const isSame = (one: unknown, other: unknown): boolean => {
  try {
    return JSON.stringify(one) === JSON.stringify(other);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
};

const sectionsOf = (text: string, wanted: RegExp): string => {
  let isWanted = false;
  return text
    .split('\n')
    .filter((line) => {
      const header = /^\[{1,2}([^[\]]+)\]/.exec(line)?.[1];
      if (header !== undefined) isWanted = wanted.test(header);
      return isWanted && line.trim() !== '';
    })
    .join('\n');
};

/** The targets that check something, with their lines. */
const recipesOf = (text: string): string => {
  let isWanted = false;
  return text
    .split('\n')
    .filter((line) => {
      const target = /^([^\s:=#][^:=#]*):(?!=)/.exec(line)?.[1];
      if (target !== undefined)
        isWanted = /(?:^|[\s:_.-])(?:tests?|check|checks|lint|ci|verify|coverage|typecheck)\b/.test(target);
      else if (line !== '' && !/^[\s#]/.test(line)) isWanted = false;
      return isWanted && line.trim() !== '';
    })
    .join('\n');
};

const threshold =
  /\b(branches|functions|lines|statements|fail[_-]under|cov-fail-under|minimum_coverage(?:_by_file)?|min(?:imum)?[_-]?coverage|threshold|minimum|target)\b["']?\)?(?:[ \t]{0,20}(?:=>|[:=>])[ \t]{0,20}|[ \t]{1,20})["']?(\d{1,3}(?:\.\d+)?)/gi;

const thresholdsAreLower = (before: string | undefined, after: string | undefined): boolean => {
  const old = thresholdsOf(before);
  if (old.length === 0 || after === undefined) return old.length > 0;
  const now = thresholdsOf(after);
  if (now.length < old.length) return true;
  return old.some(({ key, value }, index) => {
    const same = now[index];
    return same !== undefined && same.key === key && same.value < value;
  });
};

const thresholdsOf = (text: string | undefined): { key: string; value: number }[] =>
  [...(text ?? '').matchAll(threshold)].map(([, key = '', value = '']) => ({
    key: key.toLowerCase(),
    value: Number(value),
  }));
